"""Where frames are counted."""
