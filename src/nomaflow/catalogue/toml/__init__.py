"""A TOML text, and where in it everything stands."""
