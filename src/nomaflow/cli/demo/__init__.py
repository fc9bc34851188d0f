"""The demo: a home folder with real data and jobs, made by one call."""
