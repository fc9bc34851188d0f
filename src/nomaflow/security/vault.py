"""Seals texts with the newest master key and opens what any of the keys sealed.

`ENC:v1:<key id>:<base64url>` is our form: AES-256-GCM over nonce ‖ ciphertext ‖ tag. A bare
`ENC:<base64>` is the older system's: AES-256-GCM under a key derived from the master key's text.
"""

import base64
import binascii
import hashlib
import os
import re
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nomaflow.domain.secrets import Secret
from nomaflow.errors import SecretsError
from nomaflow.security.keys import Keys, MasterKey

MARK: Final = "ENC:"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_OLDER_SALT, _OLDER_IV = 64, 16
_OLDER_ITERATIONS = 2145
_CANARY_TEXT = "the master key fits"
_SEAL_AGAIN = "Seal the secret again with `nomaflow secrets encrypt`."

_CLAIM = re.compile(rf"{MARK}\S*")
_OURS = re.compile(r"(?P<header>ENC:v1:(?P<key_id>[0-9a-f]{8}):)(?P<body>[A-Za-z0-9_-]+)")
_NEWER_FORM = re.compile(r"ENC:v\d+:")
_COMMENTS_AND_STRINGS = re.compile(
    r'#[^\n]*|"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL
)


def is_sealed(text: str) -> bool:
    """Whether the text claims to be a sealed value; it may still be damaged."""
    return _CLAIM.fullmatch(text) is not None


def sealing_key_id(sealed: str) -> str | None:
    """The id of the key that sealed the value; None for the older form, which names none."""
    match = _OURS.fullmatch(sealed)
    return match["key_id"] if match else None


class Vault:
    """Seals and unseals with the master keys. Thread-safe; `repr` shows key ids alone."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._derived = lru_cache(maxsize=1024)(_derived_key)

    def __repr__(self) -> str:
        return f"Vault({self._keys})"

    def seal(self, text: str, context: str = "") -> str:
        """The sealed form of `text`; one sealed under a `context` opens under the same one only.

        Raises SecretsError when the newest key is a passphrase, which cannot seal.
        """
        key = self._keys.newest
        if key.raw is None:
            raise SecretsError(
                f"The first master key in {self._keys.source} is a passphrase: it can only open"
                " values of the older system. Put a key of base64 of 32 random bytes before it."
            )
        header = f"{MARK}v1:{key.id}:"
        nonce = os.urandom(_NONCE_BYTES)
        body = nonce + AESGCM(key.raw).encrypt(nonce, _encoded(text), _bound_to(header, context))
        return header + _base64url(body)

    def unseal(self, sealed: str, context: str = "") -> Secret:
        """Open a value of either form. Raises SecretsError: wrong key, or what is damaged."""
        match = _OURS.fullmatch(sealed)
        if match:
            return self._open(match["header"], match["key_id"], match["body"], context)
        if not is_sealed(sealed):
            raise SecretsError(f"This is not a sealed value: expected {MARK} and no blanks.")
        if sealed.startswith(f"{MARK}v1:"):
            raise SecretsError(
                "A sealed value is damaged: expected ENC:v1:, eight hex digits, a colon and"
                f" base64url. {_SEAL_AGAIN}"
            )
        if _NEWER_FORM.match(sealed):
            raise SecretsError("A value was sealed by a newer version of Nomaflow. Upgrade first.")
        return self._open_older(sealed)

    def reseal(self, sealed: str) -> str:
        """The same secret under the newest key; a value that it sealed already stays as it is."""
        secret = self.unseal(sealed)
        if sealing_key_id(sealed) == self._keys.newest.id:
            return sealed
        return self.seal(secret.reveal())

    def make_canary(self) -> str:
        """A sealed value by which `check_canary` knows the key again."""
        return self.seal(_CANARY_TEXT)

    def check_canary(self, canary: str) -> None:
        """Prove that a master key fits the home folder. Raises SecretsError, one sentence."""
        key_id = sealing_key_id(canary)
        if key_id and not self._keys.find(key_id):
            raise SecretsError(
                f"The master key does not fit this home folder: it needs key {key_id}, but"
                f" {self._keys.source} has {self._keys}; put the right key back, nothing was"
                " changed."
            )
        try:
            text = self.unseal(canary).reveal()
        except SecretsError as error:
            raise SecretsError(f"The canary of the home folder does not open. {error}") from None
        if text != _CANARY_TEXT:
            raise SecretsError(
                "The canary of the home folder is another sealed value, so the master key cannot"
                " be proved. Put the original [secrets] canary back into app.toml."
            )

    def _open(self, header: str, key_id: str, body: str, context: str) -> Secret:
        key = self._keys.find(key_id)
        if key is None or key.raw is None:
            raise SecretsError(
                f"A value was sealed with key {key_id}, which is not among the master keys:"
                f" {self._keys.source} has {self._keys}. Add that key there, or seal the value"
                " again with `nomaflow secrets encrypt`."
            )
        raw = _decoded(body)
        try:
            plain = AESGCM(key.raw).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound_to(header, context)
            )
        except (InvalidTag, ValueError):
            raise SecretsError(
                f"A value sealed with key {key_id} is damaged: it was changed, cut short, or"
                f" sealed for another place. {_SEAL_AGAIN}"
            ) from None
        return Secret(plain.decode())

    def _open_older(self, sealed: str) -> Secret:
        raw = _older_bytes(sealed.removeprefix(MARK))
        for key in self._keys:
            plain = self._try_older(key, raw)
            if plain is not None:
                return Secret(plain)
        raise SecretsError(
            "A value of the older form opens with none of the master keys:"
            f" {self._keys.source} has {self._keys}. Either its key is missing there, or the value"
            f" is damaged. {_SEAL_AGAIN}"
        )

    def _try_older(self, key: MasterKey, raw: bytes) -> str | None:
        salt, rest = raw[:_OLDER_SALT], raw[_OLDER_SALT:]
        iv, rest = rest[:_OLDER_IV], rest[_OLDER_IV:]
        tag, ciphertext = rest[:_TAG_BYTES], rest[_TAG_BYTES:]
        try:
            return (
                AESGCM(self._derived(key.text, salt)).decrypt(iv, ciphertext + tag, None).decode()
            )
        except (InvalidTag, UnicodeDecodeError):
            return None


def rotate(text: str, vault: Vault) -> str:
    """A TOML text with every sealed string under the newest key, all else byte for byte the same.

    Comments are left alone. Raises SecretsError naming the line of a value that does not open.
    """

    def resealed(match: re.Match[str]) -> str:
        value = match.group().strip("\"'\r\n ")
        if not is_sealed(value):
            return match.group()
        try:
            return match.group().replace(value, vault.reseal(value))
        except SecretsError as error:
            line = text.count("\n", 0, match.start()) + 1
            raise SecretsError(f"Line {line}: {error}") from None

    return _COMMENTS_AND_STRINGS.sub(resealed, text)


def _bound_to(header: str, context: str) -> bytes:
    return f"{header}{context}".encode()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise SecretsError("The text to seal is not valid Unicode.") from None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(body: str) -> bytes:
    """The bytes of the body; empty, which no key opens, unless it is their one spelling."""
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return b""
    return raw if _base64url(raw) == body else b""


def _older_bytes(body: str) -> bytes:
    try:
        raw = base64.b64decode(body)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) < _OLDER_SALT + _OLDER_IV + _TAG_BYTES:
        raise SecretsError(
            "A value of the older form is damaged: expected ENC: and base64 of a salt, an IV, a"
            f" tag and the ciphertext. {_SEAL_AGAIN}"
        )
    return raw


def _derived_key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac(
        "sha512", passphrase.encode("utf-8", "surrogateescape"), salt, _OLDER_ITERATIONS, 32
    )
