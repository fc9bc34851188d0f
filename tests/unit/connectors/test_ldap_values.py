"""Attributes of a directory in forms that people know."""

import pytest

from nomaflow.connectors.ldap.connector import LdapDefinition
from nomaflow.connectors.ldap.search import plain
from nomaflow.connectors.ldap.values import presented

SID = bytes.fromhex("010500000000000515000000a065cf7e784b9b5fe77c8770091c0100")
GUID = bytes.fromhex("33221100554477668899aabbccddeeff")


def test_text_is_text() -> None:
    assert presented("cn", "Zoë".encode()) == "Zoë"


def test_identifiers_of_active_directory_have_their_known_forms() -> None:
    assert presented("objectguid", GUID) == "00112233-4455-6677-8899-aabbccddeeff"
    assert presented("objectsid", SID) == "S-1-5-21-2127521184-1604012920-1887927527-72713"


def test_binary_attributes_stay_bytes() -> None:
    assert presented("jpegphoto", b"\xff\xd8") == b"\xff\xd8"
    assert presented("badge", b"\xff", binary={"badge"}) == b"\xff"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cn", b"\xff\xfe", "list it in `binary`"),
        ("objectguid", b"\x00", "no GUID of 16 bytes"),
        ("objectsid", SID[:-1], "no security identifier"),
        ("objectsid", b"", "no security identifier"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, value: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        presented(name, value)


def test_names_are_compared_without_case_and_options() -> None:
    assert plain("userCertificate;binary") == plain("USERCERTIFICATE")
    assert plain("member;range=0-1499") == plain("Member")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"server": "ldaps://a", "start_tls": True}, "ldaps:// is encrypted already"),
        ({"bind_password": ""}, "not empty"),
        ({"server": "http://a"}, "should match pattern"),
    ],
)
def test_a_definition_that_cannot_be_right_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LdapDefinition.model_validate(
            {"server": "ldap://a", "bind_dn": "cn=a", "bind_password": "x", **more}
        )


@pytest.mark.parametrize(
    ("server", "start_tls", "encrypted"),
    [
        ("ldap://dc.example.test", False, False),
        ("ldap://dc.example.test", True, True),
        ("ldaps://dc.example.test", False, True),
        ("ldap://127.0.0.1:389", False, True),
        ("ldap://localhost", False, True),
    ],
)
def test_a_password_in_the_clear_is_noticed(server: str, start_tls: bool, encrypted: bool) -> None:
    definition = LdapDefinition.model_validate(
        {
            "server": server,
            "bind_dn": "cn=a",
            "bind_password": "correct-horse",
            "start_tls": start_tls,
        }
    )
    assert definition.is_encrypted is encrypted
    assert "correct-horse" not in repr(definition)
