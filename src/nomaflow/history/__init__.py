"""REMEMBER: the SQL store, the truth."""
