"""Nouns and pure decisions: jobs, runs, states, policies. No I/O."""
