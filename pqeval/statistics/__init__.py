"""How far scores can be trusted: resampling of images, intervals, tests of differences."""
