"""DO: one file per step type."""
