"""What is MySQL's own about a table that follows a directory."""

import pytest
from tests.integration.ldap.conftest import Branch, Target

from nomaflow.errors import StepRefused

pytestmark = pytest.mark.mariadb


@pytest.fixture
def database_url(mariadb_url: str) -> str:
    return mariadb_url


def test_a_table_whose_changes_cannot_be_undone_is_refused(
    branch: Branch, target: Target, to_people: dict[str, object]
) -> None:
    branch.add_people(2)
    target.create("ALTER TABLE people ENGINE = Aria")
    with pytest.raises(StepRefused, match="engine Aria, which has no transactions"):
        target.sync({**branch.fields, **to_people})
    assert target.rows("SELECT count(*) FROM people") == [(0,)]


def test_keys_compare_as_in_the_table_and_values_byte_by_byte(
    branch: Branch, target: Target, to_people: dict[str, object]
) -> None:
    rule = "CHARACTER SET latin1 COLLATE latin1_german1_ci"
    target.create(f"ALTER TABLE people MODIFY uid varchar(40) {rule}, MODIFY mail text {rule}")
    target.create("INSERT INTO people VALUES ('U0', 0, 'U0@example.test', NULL, NULL)")
    branch.add_people(2)
    output = target.sync({**branch.fields, **to_people}, prune=True)
    assert (output["created"], output["updated"], output["pruned"]) == (1, 1, 0)
    assert ("U0", "u0@example.test") in target.rows("SELECT uid, mail FROM people")
