"""Two predictions on the same images: how far apart they are, whether that is noise, and where it comes from."""
