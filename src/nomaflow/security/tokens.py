"""API tokens: made once, shown once, stored as a hash."""

import hashlib
import hmac
import re
import secrets
from typing import Final

from nomaflow.domain.secrets import Secret

PREFIX: Final = "nomaflow_"
_RANDOM_BYTES = 32

TOKEN_SHAPE: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def new_token() -> Secret:
    """A fresh token: `nomaflow_` and 32 random bytes in URL-safe base64."""
    return Secret(PREFIX + secrets.token_urlsafe(_RANDOM_BYTES))


def token_hash(token: Secret | str) -> str:
    """The SHA-256 of the token in hex: what the store keeps and finds it by.

    A plain hash is enough: 256 random bits cannot be guessed, so there is nothing to slow down.
    """
    text = token.reveal() if isinstance(token, Secret) else token
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_token(shown: str, stored_hash: str) -> bool:
    """Whether `shown` is the token of that hash; takes the same time for every answer."""
    return hmac.compare_digest(token_hash(shown), stored_hash)
