"""Masking: whatever the secret and whatever surrounds it, no encoding of it is left."""

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nomaflow.security.redaction import Redactor

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40).filter(
    lambda text: len(text.strip()) >= 4
)
AROUND = st.text(max_size=20)

ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "quote": quote,
    "quote, slash too": lambda text: quote(text, safe=""),
    "quote, small digits": lambda text: quote(text, safe="").replace("%C3", "%c3"),
    "quote_plus": quote_plus,
    "quote twice": lambda text: quote(quote(text)),
    "percent throughout": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, not ascii": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps(text))[3:-3],
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "repr in json": lambda text: json.dumps(repr(text))[2:-2],
    "json in a URL": lambda text: quote(json.dumps(text)[1:-1]),
    "escaped for a pattern": re.escape,
    "html": html.escape,
    "html twice": lambda text: html.escape(html.escape(text)),
    "html by number": lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    "shell": lambda text: shlex.quote(text).removeprefix("'").removesuffix("'"),
    "sql": lambda text: text.replace("'", "''"),
    "csv": lambda text: text.replace('"', '""'),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of quote": lambda text: base64.b64encode(quote(text, safe="").encode()).decode(),
    "base64 of json": lambda text: base64.b64encode(json.dumps(text)[1:-1].encode()).decode(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_no_encoding_of_a_secret_is_left(
    encoding: str, secret: str, before: str, after: str
) -> None:
    encoded = ENCODINGS[encoding](secret)

    assert encoded not in Redactor([secret]).redact(f"{before}{encoded}{after}")


@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_the_secret_is_left_in_no_text(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret]).redact(f"{before}{secret}{after}{secret}")


@given(secret=SECRETS, before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_base64_of_more_than_the_secret_does_not_decode_to_it(
    secret: str, before: bytes, after: bytes
) -> None:
    whole = before + secret.encode() + after

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(whole).decode()
        masked = Redactor([secret]).redact(encoded)
        assert "***" in masked
        assert all(part in encoded for part in masked.split("***"))
        certain = len(secret.encode()) * 8 // 6 - 1
        assert len(encoded) - len(masked.replace("***", "")) >= certain


@given(secrets=st.lists(SECRETS, max_size=8), text=st.text(max_size=80))
def test_text_without_a_secret_in_any_form_is_left_alone(secrets: list[str], text: str) -> None:
    letters = "".join(character for character in text if character in "αβγδ ,.")
    assume(all(not set(secret) <= set("αβγδ ,.") for secret in secrets))

    assert Redactor(secrets).redact(letters) == letters


@given(secrets=st.lists(SECRETS, min_size=1, max_size=8), text=AROUND)
def test_masking_twice_is_masking_once(secrets: list[str], text: str) -> None:
    redactor = Redactor(secrets)
    once = redactor.redact(text.join(secrets))

    assert redactor.redact(once) == once
