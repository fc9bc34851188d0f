"""What tests start from is itself valid."""

import pytest
from pydantic import ValidationError
from tests.builders import a_job, a_step


def test_a_job_is_valid_as_it_is() -> None:
    assert a_job().enabled
    assert [step.type for step in a_job().steps] == ["sql_query"]


def test_what_a_test_names_replaces_the_default() -> None:
    job = a_job(id="hourly", interval="1h", steps=(a_step(name="first"), a_step(name="second")))
    assert (job.id, job.interval) == ("hourly", "1h")
    assert [step.name for step in job.steps] == ["first", "second"]


def test_a_builder_refuses_a_field_that_does_not_exist() -> None:
    with pytest.raises(ValidationError, match="scheduled"):
        a_job(scheduled="@daily")
