"""Sealing: every text comes back under every key, and no changed byte is accepted."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from nomaflow.errors import SecretsError
from nomaflow.security.keys import Keys, MasterKey
from nomaflow.security.vault import Vault, rotate

KEYS = [MasterKey.generate() for _ in range(4)]
PASSPHRASE = "the older system's"
TEXTS = st.text(max_size=300)


def vault(*keys: MasterKey) -> Vault:
    return Vault(Keys(keys, "master.key"))


def older_form(text: str) -> str:
    salt, iv = b"s" * 64, b"i" * 16
    key = hashlib.pbkdf2_hmac("sha512", PASSPHRASE.encode(), salt, 2145, 32)
    sealed = AESGCM(key).encrypt(iv, text.encode(), None)
    return "ENC:" + base64.b64encode(salt + iv + sealed[-16:] + sealed[:-16]).decode()


@given(TEXTS, st.text(max_size=20))
def test_what_was_sealed_opens_to_the_same_text(text: str, context: str) -> None:
    sealed = vault(KEYS[0]).seal(text, context)

    assert vault(KEYS[0]).unseal(sealed, context).reveal() == text


@given(TEXTS)
def test_a_text_survives_rotation_after_rotation(text: str) -> None:
    sealed = older_form(text)
    ring = [MasterKey.parse(PASSPHRASE)]
    for key in KEYS:
        ring.insert(0, key)
        sealed = vault(*ring).reseal(sealed)
        assert vault(key).unseal(sealed).reveal() == text


@given(TEXTS, st.data())
def test_a_changed_character_is_refused(text: str, data: st.DataObject) -> None:
    sealed = vault(*KEYS).seal(text)
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters().filter(lambda character: character != sealed[place]))

    with pytest.raises(SecretsError):
        vault(*KEYS).unseal(sealed[:place] + other + sealed[place + 1 :])


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_changed_byte_of_the_older_form_is_refused(raw: bytes, data: st.DataObject) -> None:
    sealed = bytearray(base64.b64decode(older_form(raw.hex()).removeprefix("ENC:")))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SecretsError):
        vault(MasterKey.parse(PASSPHRASE)).unseal(f"ENC:{base64.b64encode(bytes(sealed)).decode()}")


@given(TEXTS, st.integers(0, 400))
def test_a_value_cut_short_is_refused(text: str, length: int) -> None:
    sealed = vault(KEYS[0]).seal(text)

    with pytest.raises(SecretsError):
        vault(KEYS[0]).unseal(sealed[: min(length, len(sealed) - 1)])


@given(st.text(alphabet="ab #=\"'\\\n[]"))
def test_rotation_leaves_text_without_sealed_values_alone(text: str) -> None:
    assert rotate(text, vault(KEYS[0])) == text
