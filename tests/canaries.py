"""Looking for a canary: what a curious reader would decode, and a value as others seal it."""

import base64
import binascii
import contextlib
import hashlib
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def decoded(text: str) -> Iterator[str]:
    """What a curious reader would try on a text, one decoder at a time."""
    yield unquote(text)
    yield unquote_plus(text)
    yield html.unescape(text)
    yield text.replace("''", "'")
    yield text.replace('""', '"')
    yield text.replace("'\"'\"'", "'").replace("'\\''", "'")
    yield re.sub(r"\\([\\/\"'$ ])", r"\1", text)
    yield unescaped(r"\\x([0-9a-f]{2})", text)
    yield unescaped(r"\\U([0-9a-f]{8})", text)
    yield with_pairs_joined(unescaped(r"\\u([0-9a-f]{4})", text))
    yield re.sub(r"(?:\\x[0-9a-f]{2})+", utf8_of_escapes, text)
    for run in re.findall(r"[A-Za-z0-9+/_-]{5,}", text):
        yield from from_base64(run.replace("-", "+").replace("_", "/"))
    for run in re.findall(r"[0-9A-Fa-f]{8,}", text):
        yield from from_hex(run)


def unescaped(pattern: str, text: str) -> str:
    return re.sub(pattern, lambda code: chr(int(code[1], 16)), text)


def with_pairs_joined(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def utf8_of_escapes(codes: re.Match[str]) -> str:
    return bytes.fromhex(codes.group().replace("\\x", "")).decode("utf-8", "replace")


def from_base64(run: str) -> Iterator[str]:
    for start in range(4):
        whole = run[start : len(run) - (len(run) - start) % 4]
        for body in (run[start:], whole):
            with contextlib.suppress(binascii.Error):
                yield base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8", "replace")


def from_hex(run: str) -> Iterator[str]:
    for start in range(2):
        even = run[start : len(run) - (len(run) - start) % 2]
        yield bytes.fromhex(even).decode("utf-8", "replace")


def readings(text: str, depth: int = 4) -> set[str]:
    """The text and all that up to `depth` decoders, one after another, make of it."""
    seen, fresh = {text}, {text}
    for _ in range(depth):
        fresh = {step for candidate in fresh for step in decoded(candidate)} - seen
        seen |= fresh
    return seen


def gives_away(text: str, canary: str, depth: int = 4) -> bool:
    """Whether up to `depth` decoders, one after another, bring the canary out of the text."""
    return any(canary in reading for reading in readings(text, depth))


def sealed_by_the_older_system(text: str, passphrase: str) -> str:
    salt, iv = bytes(range(64)), bytes(range(16))
    key = hashlib.pbkdf2_hmac("sha512", passphrase.encode(), salt, 2145, 32)
    sealed = AESGCM(key).encrypt(iv, text.encode(), None)
    ciphertext, tag = sealed[:-16], sealed[-16:]
    return "ENC:" + base64.b64encode(salt + iv + tag + ciphertext).decode()
