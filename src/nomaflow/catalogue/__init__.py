"""The home folder: read, resolve, validate."""
