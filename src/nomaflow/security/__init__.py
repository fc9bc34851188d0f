"""Keys, sealed values, masking, tokens."""
