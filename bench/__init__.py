"""Measurements: a module in this folder with a `measure()` is one of them."""
