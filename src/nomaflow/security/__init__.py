"""Keys, sealed values, tokens."""
