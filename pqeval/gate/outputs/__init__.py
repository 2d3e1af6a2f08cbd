"""Ways to tell what a check found: one file per reader."""
