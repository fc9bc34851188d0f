"""Passwords in the files: sealed, or one ${env:…} token; never plain."""

from collections.abc import Collection, Iterator
from typing import Any

from nomaflow.catalogue.toml.place import Place
from nomaflow.catalogue.toml.positions import KeyPath
from nomaflow.catalogue.values.tokens import entries_of, is_lone_variable
from nomaflow.errors import Problem
from nomaflow.security.vault import is_sealed

SECRET_FIELDS = frozenset({"password", "bind_password", "client_key_password"})
AUTH = "auth"
SEALED = "a sealed value ENC:… (`nomaflow secrets encrypt` makes it) or one ${env:VAR} token"
REFUSED = f"plain text is refused here: expected {SEALED}"


def plain_secrets(values: Any, place: Place) -> Iterator[Problem]:
    """A problem for each password in these values, nested ones too, that is in plain text."""
    for path in plain_paths(values):
        yield place.at(*path).problem(REFUSED)


def plain_paths(values: Any, secret: Collection[str] = SECRET_FIELDS) -> Iterator[KeyPath]:
    """Where a password is in plain text, or the token of a table `auth`."""
    for key, value in entries_of(values):
        if key in secret:
            if isinstance(value, str) and not (is_sealed(value) or is_lone_variable(value)):
                yield (key,)
        elif isinstance(value, dict | list):
            inside = SECRET_FIELDS | {"token"} if key == AUTH else SECRET_FIELDS
            yield from ((key, *rest) for rest in plain_paths(value, inside))
