"""Small named services on a timer."""
