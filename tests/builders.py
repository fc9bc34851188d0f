"""Valid things to start a test from: change what the test is about, leave the rest."""

from typing import Any

from nomaflow.domain.job import Job, StepDefinition


def a_step(**changes: Any) -> StepDefinition:
    """A step that asks the store for one row; `settings` are those of its type."""
    settings = {"connector": "default", "query": "SELECT 1"}
    return StepDefinition(**{"name": "ask", "type": "sql_query", "settings": settings, **changes})


def a_job(**changes: Any) -> Job:
    """An enabled job with one step, started by hand."""
    return Job(**{"id": "nightly", "steps": (a_step(),), **changes})
