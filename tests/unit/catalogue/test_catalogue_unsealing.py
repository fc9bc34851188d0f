"""Sealed values are opened wherever they stand, and never shown after."""

import pytest

from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.errors import SecretsError
from nomaflow.security.keys import Keys, MasterKey
from nomaflow.security.redaction import Redactor
from nomaflow.security.vault import Vault

VAULT = Vault(Keys((MasterKey.generate(),), "the test"))
SEALED = VAULT.seal("correct horse")


@pytest.fixture
def unsealing() -> Unsealing:
    return Unsealing(VAULT, Redactor())


def test_sealed_texts_are_opened_at_any_depth(unsealing: Unsealing) -> None:
    values = {"url": "ldap://x", "auth": {"password": SEALED}, "headers": [SEALED, "plain"], "n": 3}
    assert unsealing.opened(values, "connector 'crm'") == {
        "url": "ldap://x",
        "auth": {"password": "correct horse"},
        "headers": ["correct horse", "plain"],
        "n": 3,
    }
    assert unsealing.redactor.redact("a correct horse b") == "a *** b"


def test_a_password_from_a_variable_is_masked_too(unsealing: Unsealing) -> None:
    unsealing.opened({"bind_password": "battery staple"}, "step 'people'")
    assert unsealing.redactor.redact("battery staple") == "***"


def test_a_value_of_another_key_names_field_and_owner(unsealing: Unsealing) -> None:
    foreign = Vault(Keys((MasterKey.generate(),), "another")).seal("x")
    with pytest.raises(SecretsError, match="'bind_password' of connector 'ad' does not open"):
        unsealing.opened({"bind_password": foreign}, "connector 'ad'")
