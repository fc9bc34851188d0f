"""jobs.toml: from its text to jobs."""
