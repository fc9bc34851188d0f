"""ldap_sync through a named query and its companion for pruning, from a real OpenLDAP."""

from typing import Any

import pytest
from tests.integration.ldap.conftest import Branch, Target

from nomaflow.errors import NotFound, StepFailed, StepRefused

Fields = dict[str, Any]


@pytest.fixture
def fields(branch: Branch) -> Fields:
    return {
        **branch.fields,
        "target_query": "put",
        "attributes": ["uid", "mail"],
        "mapping": {"employeeNumber": "number"},
    }


def test_each_entry_goes_through_the_query(branch: Branch, target: Target, fields: Fields) -> None:
    branch.add_people(25)
    assert target.sync(fields) == {"fetched": 25, "rows": 25, "upserted": 25, "pruned": 0}
    assert target.rows("SELECT count(*), sum(number) FROM people") == [(25, 300)]


def test_the_companion_prunes_what_was_not_seen(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(10)
    target.sync(fields)
    branch.remove_people(4)
    assert target.sync(fields)["pruned"] == 1
    assert target.rows("SELECT uid FROM people WHERE uid = 'u4'") == []


def test_a_prune_past_its_limit_takes_the_upserts_back(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(10)
    target.sync(fields)
    branch.remove_people(1, 2, 3)
    branch.server.replace(branch.dn("u5"), "mail", "new@example.test")
    with pytest.raises(StepFailed, match=r"remove 3 of 10 rows \(30\.0 %\)"):
        target.sync(fields)
    assert target.rows("SELECT count(*) FROM people") == [(10,)]
    assert target.rows("SELECT mail FROM people WHERE uid = 'u5'") == [("u5@example.test",)]


def test_the_companion_rests_when_prune_is_false(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(3)
    target.sync(fields)
    assert target.sync(fields, search_filter="(uid=u0)", prune=False)["pruned"] == 0
    assert target.sync(fields, search_filter="(uid=nobody)", prune=False)["fetched"] == 0


def test_a_dry_run_tells_the_plan_of_the_query_too(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(10)
    target.sync(fields)
    branch.remove_people(4)
    branch.server.replace(branch.dn("u5"), "mail", "new@example.test")
    output = target.sync(fields, dry_run=True)
    assert output["plan"] == {"create": 0, "update": 1, "prune": 1}
    assert "update uid = 'u5': mail 'u5@example.test' → 'new@example.test'" in target.said
    assert target.rows("SELECT count(*) FROM people WHERE uid = 'u4'") == [(1,)]


def test_a_refused_row_is_named_and_undoes_all(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(25)
    target.connector.execute("CREATE UNIQUE INDEX mails ON people (mail)")
    branch.server.replace(branch.dn("u17"), "mail", "u3@example.test")
    with pytest.raises(StepFailed, match=r"row with .*'u17'.*Nothing was changed"):
        target.sync(fields, target_query="add")
    assert target.rows("SELECT count(*) FROM people") == [(0,)]


def test_parameters_of_the_run_are_bound_beside_the_attributes(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(1, givenName="Zoë")
    target.sync(fields, target_query="put_only", attributes=["uid", "givenName"], mapping={})
    assert target.rows("SELECT mail FROM people") == [("ldapcli:testsZoë",)]


def test_without_attributes_the_parameters_are_the_attributes(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(1, givenName="Zoë")
    target.sync(fields, target_query="put_only", attributes=[], mapping={})
    assert target.rows("SELECT uid, mail FROM people") == [("u0", "ldapcli:testsZoë")]


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"target_query": "nobody"}, NotFound, "has no query 'nobody'.*put, add, put_only"),
        ({"mapping": {}}, StepRefused, "names :number without a value"),
        ({"mapping": {"mail": "email"}}, StepRefused, "`mapping` names :email"),
        ({"target_query": "put_only", "prune": True}, StepRefused, "no companion `prune`"),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    fields: Fields, target: Target, more: Fields, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        target.sync({**fields, **more})
