"""Use cases that the API and the CLI both call."""
