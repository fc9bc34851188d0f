"""WAIT: the durable run queue."""
