"""MIRROR: a table follows a list from outside, all of it or nothing."""
