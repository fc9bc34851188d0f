"""REACH: one file per kind of outside system."""
