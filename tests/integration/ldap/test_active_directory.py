"""ldap_sync from a real Active Directory (Samba), over ldaps. One test: a domain takes seconds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ldap.conftest import Target
from tests.servers.samba import PASSWORD, STAFF, SUFFIX, USER, SambaServer, throwaway_samba
from tests.servers.throwaway import ServerMissing

from nomaflow.errors import StepFailed

USERS = 120
NESTED = "1.2.840.113556.1.4.1941"
BITS = "1.2.840.113556.1.4.803"
TABLES = (
    "CREATE TABLE users (id text PRIMARY KEY, sid text, name text, mail text, at timestamp)",
    "CREATE TABLE members (team text, member text, PRIMARY KEY (team, member))",
)


def entries() -> Iterator[str]:
    """Users, a group of all of them, and a group around that group."""
    for number in range(USERS):
        yield (
            f"dn: CN=User {number},{STAFF}\nobjectClass: user\nsAMAccountName: u{number}\n"
            f"mail: u{number}@example.test\nuserAccountControl: 512\n\n"
        )
    members = "".join(f"member: CN=User {number},{STAFF}\n" for number in range(USERS))
    yield f"dn: CN=Inner,{STAFF}\nobjectClass: group\nsAMAccountName: inner\n{members}\n"
    yield (
        f"dn: CN=Outer,{STAFF}\nobjectClass: group\nsAMAccountName: outer\n"
        f"member: CN=Inner,{STAFF}\n\n"
    )


@pytest.fixture(scope="module")
def domain() -> Iterator[SambaServer]:
    try:
        with throwaway_samba(entries()) as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    target = Target(f"sqlite:///{tmp_path}/target.db")
    for table in TABLES:
        target.create(table)
    yield target
    target.ctx.close()
    target.connectors.close()


def test_an_active_directory_is_mirrored(domain: SambaServer, target: Target) -> None:
    login = {
        "server": domain.url,
        "bind_dn": USER,
        "bind_password": PASSWORD,
        "ca_file": str(domain.ca_file),
        "search_base": STAFF,
    }
    users = {
        **login,
        "search_filter": f"(&(objectCategory=person)(!(userAccountControl:{BITS}:=2)))",
        "page_size": 50,
        "target_table": "users",
        "mapping": {
            "objectGUID": "id",
            "objectSid": "sid",
            "sAMAccountName": "name",
            "mail": "mail",
            "whenChanged": "at",
        },
        "prune": True,
    }
    users_arrive_once_with_readable_identifiers(target, users)
    nested_members_are_found(target, users)
    a_group_arrives_whole_though_in_ranges(target, login)
    what_cannot_be_complete_changes_nothing(target, users)


def users_arrive_once_with_readable_identifiers(target: Target, users: dict[str, Any]) -> None:
    assert target.sync(users)["created"] == USERS
    assert target.sync(users)["upserted"] == 0
    ((uuid, sid, mail),) = target.rows("SELECT id, sid, mail FROM users WHERE name = 'u7'")
    assert (len(uuid), sid[:9], mail) == (36, "S-1-5-21-", "u7@example.test")


def nested_members_are_found(target: Target, users: dict[str, Any]) -> None:
    nested = f"(&(objectCategory=person)(memberOf:{NESTED}:=CN=Outer,{STAFF}))"
    assert target.sync(users, search_filter=nested)["fetched"] == USERS


def a_group_arrives_whole_though_in_ranges(target: Target, login: dict[str, Any]) -> None:
    """The first range is asked for: Samba does not give ranges by itself, as Windows does."""
    output = target.sync(
        login,
        search_filter="(objectClass=group)",
        target_table="members",
        mapping={"sAMAccountName": "team", "member;range=0-49": "member"},
        multi_valued={"member": "rows"},
    )
    assert (output["fetched"], output["rows"]) == (2, USERS + 1)
    assert target.rows("SELECT count(DISTINCT member) FROM members WHERE team = 'inner'") == [
        (USERS,)
    ]


def what_cannot_be_complete_changes_nothing(target: Target, users: dict[str, Any]) -> None:
    with pytest.raises(StepFailed, match="a part of the tree is on another server"):
        target.sync(users, search_base=SUFFIX)
    assert (
        target.sync(users, search_base=SUFFIX, referrals="ignore", prune=False)["fetched"] > USERS
    )
    with pytest.raises(StepFailed, match=r"refused the login .*: wrong user or password"):
        target.sync(users, bind_password="wrong")
    target.connector.execute("DELETE FROM users WHERE name NOT LIKE 'u%'")
    with pytest.raises(StepFailed, match=rf"remove {USERS - 11} of {USERS} rows"):
        target.sync(users, search_filter="(&(objectCategory=person)(sAMAccountName=u10*))")
    assert target.rows("SELECT count(*) FROM users") == [(USERS,)]
