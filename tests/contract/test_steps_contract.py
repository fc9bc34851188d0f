"""Every installed step type obeys the same rules; a new file is tested without a new test."""

import pickle
import re
from typing import Any, get_args

import pytest

from nomaflow.steps.base import HostKind, StepSpec
from nomaflow.steps.registry import StepTypes

TYPES = StepTypes.discover()


@pytest.fixture(params=TYPES.values(), ids=TYPES)
def step(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_its_name_is_a_word_and_its_host_exists(step: Any) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", step.name)
    assert step.title
    assert step.host in get_args(HostKind)


def test_its_fields_are_closed_and_frozen(step: Any) -> None:
    assert issubclass(step.Spec, StepSpec)
    assert step.Spec.model_config["extra"] == "forbid"
    assert step.Spec.model_config["frozen"]


def test_its_schema_can_draw_a_form(step: Any) -> None:
    schema = step.Spec.model_json_schema()
    assert schema["type"] == "object"
    assert schema["properties"]


def test_no_field_of_its_own_hides_one_that_every_step_has(step: Any) -> None:
    common = {"name", "type", "enabled", "timeout_seconds", "continue_on_error", "retry", "when"}
    assert common.isdisjoint(step.Spec.model_fields)


def test_its_params_field_is_one_of_its_fields(step: Any) -> None:
    assert step.params_field is None or step.params_field in step.Spec.model_fields


def test_its_literal_fields_begin_with_one_of_its_fields(step: Any) -> None:
    assert {path.partition(".")[0] for path in step.literal_fields} <= set(step.Spec.model_fields)


def test_its_docs_page_tells_purpose_output_errors_and_an_example(step: Any) -> None:
    titles = re.findall(r"^    (Output|Errors|Example):\s", type(step).__doc__, re.MULTILINE)
    assert titles == ["Output", "Errors", "Example"]


def test_every_field_of_it_is_described(step: Any) -> None:
    schema = step.Spec.model_json_schema()
    tables = [schema, *schema.get("$defs", {}).values()]
    fields = [field for table in tables for field in table.get("properties", {}).items()]
    assert [name for name, field in fields if not field.get("description")] == []


def test_it_can_be_handed_to_a_child_process(step: Any) -> None:
    assert type(pickle.loads(pickle.dumps(step))) is type(step)
