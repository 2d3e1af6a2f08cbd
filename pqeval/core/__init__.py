"""The room of integers: no division, no files, no dataset names."""
