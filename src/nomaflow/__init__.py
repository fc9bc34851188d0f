"""Nomaflow: a scheduler and orchestration engine that runs inside the application's process."""

__version__ = "0.1.0"
