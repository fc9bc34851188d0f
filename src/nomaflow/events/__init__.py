"""TELL: in-process publish and subscribe; a hint, never the truth."""
