"""Searches in a real OpenLDAP: to the end, encrypted, and never silently incomplete."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from tests.integration.ldap.conftest import Branch, Target
from tests.servers.slapd import LIMITED, PASSWORD, READER, SUFFIX, SlapdServer, throwaway_slapd

from nomaflow.connectors.ldap.connector import LdapConnector, LdapDefinition
from nomaflow.connectors.ldap.failures import CutShort
from nomaflow.connectors.ldap.search import Entry, Search
from nomaflow.errors import StepCanceled, StepFailed, Unreachable

Fields = dict[str, Any]


def directory(slapd: SlapdServer, **more: Any) -> LdapConnector:
    login = {"server": slapd.url, "bind_dn": READER, "bind_password": PASSWORD}
    return LdapConnector("directory", LdapDefinition.model_validate({**login, **more}))


def count(connector: LdapConnector, base: str = SUFFIX, **more: Any) -> int:
    return sum(len(page) for page in connector.pages(Search(base, **more)))


@contextmanager
def stop_at_once(hook: Callable[[], None]) -> Iterator[None]:
    """Asks to stop as soon as somebody can hear it."""
    hook()
    yield


@pytest.mark.parametrize("page_size", [0, 1, 7, 10, 1000])
def test_every_entry_comes_whatever_the_page_size(
    slapd: SlapdServer, branch: Branch, page_size: int
) -> None:
    branch.add_people(20)
    assert count(directory(slapd), branch.base, page_size=page_size) == 21
    assert count(directory(slapd), branch.base, filter="(uid=u1*)", page_size=page_size) == 11


def test_ldaps_and_start_tls_check_the_certificate(slapd: SlapdServer) -> None:
    secure = {"server": slapd.secure_url}, {"start_tls": True}
    for encrypted in secure:
        directory(slapd, ca_file=slapd.ca_file, **encrypted).check()
        with pytest.raises(StepFailed, match=r"is not trusted: .*ca_file") as failure:
            directory(slapd, **encrypted).check()
        assert failure.value.type == "CertificateError"


def test_a_certificate_for_another_name_is_refused(slapd: SlapdServer) -> None:
    elsewhere = slapd.secure_url.replace("127.0.0.1", "localhost")
    with pytest.raises(StepFailed, match="not valid for 'localhost'"):
        directory(slapd, server=elsewhere, ca_file=slapd.ca_file).check()


def test_a_ca_file_that_is_not_there_is_named(slapd: SlapdServer) -> None:
    with pytest.raises(StepFailed, match="There is no file '/nowhere/ca"):
        directory(slapd, start_tls=True, ca_file=Path("/nowhere/ca.pem")).check()


def test_a_wrong_password_changes_nothing(
    slapd: SlapdServer, branch: Branch, target: Target, to_people: Fields
) -> None:
    branch.add_people(3)
    target.sync({**branch.fields, **to_people})
    with pytest.raises(StepFailed, match=f"refused the login of '{READER}'"):
        target.sync({**branch.fields, **to_people, "bind_password": "wrong", "prune": True})
    assert target.rows("SELECT count(*) FROM people") == [(3,)]


def test_a_server_that_is_not_there_is_unreachable(slapd: SlapdServer) -> None:
    for server in ("ldap://127.0.0.1:1", "ldaps://127.0.0.1:1"):
        with pytest.raises(Unreachable, match="did not answer: Connection refused"):
            directory(slapd, server=server).check()
    with pytest.raises(Unreachable, match=r"did not answer: .*not known"):
        directory(slapd, server="ldaps://nowhere.invalid").check()


def test_a_server_that_does_not_speak_tls_is_no_matter_of_trust(slapd: SlapdServer) -> None:
    with pytest.raises(Unreachable, match="did not answer: "):
        directory(slapd, server=slapd.url.replace("ldap:", "ldaps:")).check()


@pytest.mark.parametrize("page_size", [0, 10])
def test_a_size_limit_of_the_server_cuts_the_search_short(
    branch: Branch, target: Target, to_people: Fields, page_size: int
) -> None:
    branch.add_people(40)
    limited = {**branch.fields, **to_people, "bind_dn": LIMITED, "page_size": page_size}
    with pytest.raises(
        StepFailed, match=r"cut short after \d+ entries: .*Size limit exceeded.*smaller parts"
    ):
        target.sync(limited)
    assert target.rows("SELECT count(*) FROM people") == [(0,)]


def test_a_referral_makes_the_search_incomplete_unless_it_is_ignored(
    slapd: SlapdServer, branch: Branch
) -> None:
    import ldap
    from ldap.controls.simple import ManageDSAITControl

    elsewhere = b"ldap://elsewhere.example.test/dc=elsewhere"
    with slapd.signed_in() as connection:
        connection.set_option(ldap.OPT_SERVER_CONTROLS, [ManageDSAITControl()])
        entry = [("objectClass", [b"referral", b"extensibleObject"]), ("ref", [elsewhere])]
        connection.add_s(f"ou=elsewhere,{branch.base}", [*entry, ("ou", [b"elsewhere"])])
    with pytest.raises(CutShort, match=r"another server \(ldap://elsewhere.example.test"):
        count(directory(slapd), branch.base)
    assert count(directory(slapd), branch.base, referrals="ignore") == 1


class DoomedConnector(LdapConnector):
    """A real one, whose server is killed once the first page has come."""

    def __init__(self, connector: LdapConnector, server: SlapdServer) -> None:
        super().__init__(connector.name, connector.definition)
        self._server = server

    def pages(self, search: Search) -> Generator[Sequence[Entry], None, None]:
        for page in super().pages(search):
            yield page
            self._server.kill()


def test_a_server_that_dies_between_pages_leaves_the_table_as_it_was(
    target: Target, to_people: Fields
) -> None:
    with throwaway_slapd() as server:
        branch = Branch(server, f"ou=people,{SUFFIX}")
        server.add([(branch.base, {"objectClass": "organizationalUnit", "ou": "people"})])
        branch.add_people(30)
        target.sync({**branch.fields, **to_people})
        branch.server.replace(branch.dn("u0"), "mail", "new@example.test")
        target.uses("doomed", DoomedConnector(directory(server), server))
        search = {name: branch.fields[name] for name in ("search_base", "search_filter")}
        with pytest.raises(StepFailed, match="cut short after 10 entries: the server failed"):
            target.sync({**search, **to_people, "connector": "doomed", "page_size": 10})
    assert target.rows("SELECT mail FROM people WHERE uid = 'u0'") == [("u0@example.test",)]
    assert target.rows("SELECT count(*) FROM people") == [(30,)]


def test_a_stop_ends_the_search(slapd: SlapdServer, branch: Branch) -> None:
    branch.add_people(20)
    pages = directory(slapd).cancellable(stop_at_once).pages(Search(branch.base))
    with pytest.raises(StepCanceled, match="search was stopped"):
        next(pages)


def test_attributes_are_known_in_any_case_and_without_the_option_binary(
    slapd: SlapdServer, branch: Branch
) -> None:
    pem = load_pem_x509_certificate(slapd.ca_file.read_bytes())
    certificate = pem.public_bytes(Encoding.DER)
    branch.add_people(1, **{"userCertificate;binary": certificate})
    wanted = {"filter": "(uid=u0)", "attributes": ["UID", "userCertificate;binary"]}
    ((dn, attributes),) = directory(slapd).entries(branch.base, **wanted)
    assert dn == branch.dn("u0")
    assert attributes == {"uid": [b"u0"], "usercertificate": [certificate]}
