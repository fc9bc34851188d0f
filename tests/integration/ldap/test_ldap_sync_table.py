"""ldap_sync into a table by its key, from a real OpenLDAP."""

from typing import Any

import pytest
from tests.integration.ldap.conftest import Branch, Target

from nomaflow.errors import StepFailed, StepRefused

Fields = dict[str, Any]


@pytest.fixture
def fields(branch: Branch, to_people: Fields) -> Fields:
    return {**branch.fields, **to_people}


def test_all_entries_arrive_however_many_pages_they_take(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(25)
    output = target.sync(fields)
    assert output == {
        "fetched": 25,
        "rows": 25,
        "upserted": 25,
        "pruned": 0,
        "created": 25,
        "updated": 0,
    }
    assert target.rows("SELECT count(*), sum(number) FROM people") == [(25, 300)]
    assert target.rows("SELECT mail FROM people WHERE uid = 'u7'") == [("u7@example.test",)]


def test_a_second_run_changes_nothing(branch: Branch, target: Target, fields: Fields) -> None:
    branch.add_people(12)
    target.sync(fields)
    output = target.sync(fields)
    assert (output["fetched"], output["upserted"]) == (12, 0)


def test_only_what_differs_is_updated(branch: Branch, target: Target, fields: Fields) -> None:
    branch.add_people(12)
    target.sync(fields)
    branch.server.replace(branch.dn("u3"), "mail", "new@example.test")
    output = target.sync(fields)
    assert (output["created"], output["updated"]) == (0, 1)
    assert target.rows("SELECT mail FROM people WHERE uid = 'u3'") == [("new@example.test",)]


def test_rows_that_were_not_seen_stay_unless_they_are_to_be_pruned(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(10)
    target.sync(fields)
    branch.remove_people(0)
    assert target.sync(fields)["pruned"] == 0
    assert target.sync(fields, prune=True)["pruned"] == 1
    assert target.rows("SELECT count(*) FROM people WHERE uid = 'u0'") == [(0,)]


def test_a_table_that_would_shrink_by_30_percent_stays_as_it_is(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(20)
    target.sync(fields)
    branch.remove_people(*range(6))
    branch.server.replace(branch.dn("u9"), "mail", "new@example.test")
    with pytest.raises(StepFailed, match=r"remove 6 of 20 rows \(30\.0 %\).*14 rows were seen"):
        target.sync(fields, prune=True)
    assert target.rows("SELECT count(*) FROM people") == [(20,)]
    assert target.rows("SELECT mail FROM people WHERE uid = 'u9'") == [("u9@example.test",)]
    assert target.sync(fields, prune=True, prune_max_percent=30)["pruned"] == 6


def test_a_prune_is_also_limited_in_rows(branch: Branch, target: Target, fields: Fields) -> None:
    branch.add_people(20)
    target.sync(fields)
    branch.remove_people(0, 1)
    with pytest.raises(StepFailed, match="more than prune_max_rows = 1 allows"):
        target.sync(fields, prune=True, prune_max_rows=1)


def test_a_search_that_finds_nothing_prunes_nothing(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(5)
    target.sync(fields)
    nobody = {"search_filter": "(uid=nobody)"}
    with pytest.raises(StepFailed, match="found nothing, and pruning would remove 5 rows"):
        target.sync(fields, prune=True, prune_max_percent=100, **nobody)
    assert target.rows("SELECT count(*) FROM people") == [(5,)]
    assert target.sync(fields, **nobody)["fetched"] == 0


def test_a_dry_run_tells_the_plan_and_changes_nothing(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(10)
    target.sync(fields)
    branch.remove_people(0)
    branch.server.replace(branch.dn("u3"), "mail", "new@example.test")
    target.connector.execute("DELETE FROM people WHERE uid = 'u5'")
    output = target.sync(fields, prune=True, dry_run=True)
    assert output["plan"] == {"create": 1, "update": 1, "prune": 1}
    assert (output["upserted"], output["pruned"]) == (0, 0)
    assert "create uid = 'u5'" in target.said
    assert "update uid = 'u3': mail 'u3@example.test' → 'new@example.test'" in target.said
    assert "prune uid = 'u0'" in target.said
    assert target.rows("SELECT count(*) FROM people WHERE uid IN ('u0', 'u5')") == [(1,)]


def test_values_arrive_in_the_columns_types(branch: Branch, target: Target) -> None:
    branch.add_people(1, jpegPhoto=b"\xff\xd8\x00")
    mapping = {"modifyTimestamp": "changed_at", "jpegPhoto": "photo", "employeeNumber": "number"}
    target.sync(branch.fields, target_table="people", attributes=["uid"], mapping=mapping)
    ((number, photo),) = target.rows("SELECT number, photo FROM people")
    assert (number, bytes(photo)) == (0, b"\xff\xd8\x00")
    ((changed_at,),) = target.rows("SELECT changed_at FROM people")
    assert str(changed_at).startswith("20")


def test_several_values_are_joined_or_make_rows(branch: Branch, target: Target) -> None:
    branch.add_people(3)
    target.create(
        "CREATE TABLE addresses (dn varchar(200), mail varchar(99), PRIMARY KEY (dn, mail))"
    )
    target.sync(
        branch.fields, target_table="people", attributes=["uid", "mail"], multi_valued="join"
    )
    assert target.rows("SELECT mail FROM people WHERE uid = 'u1'") == [
        ("also1@example.test;u1@example.test",)
    ]
    rows = {"target_table": "addresses", "mapping": {"dn": "dn", "mail": "mail"}}
    output = target.sync(branch.fields, **rows, multi_valued={"mail": "rows"})
    assert (output["fetched"], output["rows"]) == (3, 6)
    assert (branch.dn("u2"), "also2@example.test") in target.rows("SELECT dn, mail FROM addresses")


def test_only_entries_changed_since_the_last_time_are_fetched(
    branch: Branch, target: Target
) -> None:
    branch.add_people(6)
    fields = {
        **branch.fields,
        "target_table": "people",
        "attributes": ["uid", "mail"],
        "mapping": {"modifyTimestamp": "changed_at"},
        "changed_since": "modifyTimestamp",
    }
    assert target.sync(fields)["fetched"] == 6
    target.connector.execute(
        "UPDATE people SET changed_at = '2037-01-01 00:00:00' WHERE uid = 'u1'"
    )
    assert target.sync(fields)["fetched"] == 0


def test_a_value_that_does_not_fit_names_column_and_entry(
    branch: Branch, target: Target, fields: Fields
) -> None:
    branch.add_people(3)
    branch.server.replace(branch.dn("u1"), "employeeNumber", "A-17")
    with pytest.raises(StepFailed, match=rf"Column 'number' .*entry '{branch.dn('u1')}'"):
        target.sync(fields)
    assert target.rows("SELECT count(*) FROM people") == [(0,)]


def test_two_entries_with_one_key_are_refused(branch: Branch, target: Target) -> None:
    branch.add_people(2)
    with pytest.raises(StepFailed, match="More than one entry has uid = 'Müller'"):
        target.sync(branch.fields, target_table="people", mapping={"sn": "uid"})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"target_table": "nobody"}, "table 'nobody' does not exist"),
        ({"mapping": {"uid": "uid", "mail": "email"}}, "no column 'email'"),
        ({"mapping": {"mail": "mail"}}, "The key's column 'uid' comes from no attribute"),
        ({"search_filter": "(uid="}, r"is no LDAP filter: \(uid="),
    ],
)
def test_what_cannot_work_is_refused_by_name(
    fields: Fields, target: Target, more: Fields, message: str
) -> None:
    with pytest.raises(StepRefused, match=message):
        target.sync({**fields, **more})
