"""API tokens: unguessable, stored as a hash."""

import hashlib

from nomaflow.security.redaction import Redactor
from nomaflow.security.tokens import is_token, new_token, token_hash


def test_a_token_says_whose_it_is_and_holds_32_random_bytes() -> None:
    first, second = new_token().reveal(), new_token().reveal()

    assert first != second
    assert first.startswith("nomaflow_")
    assert len(first) == len("nomaflow_") + 43


def test_the_store_gets_the_hash() -> None:
    token = new_token()

    assert token_hash(token) == hashlib.sha256(token.reveal().encode()).hexdigest()


def test_a_token_is_known_by_its_hash_and_no_other_is() -> None:
    token = new_token().reveal()

    assert is_token(token, token_hash(token))
    assert not is_token(new_token().reveal(), token_hash(token))
    assert not is_token("", token_hash(token))
    assert not is_token("\udcff", token_hash(token))


def test_a_token_is_masked_without_being_known() -> None:
    token = new_token().reveal()

    assert Redactor().redact(f"Authorization: Bearer {token}.") == "Authorization: Bearer ***."
