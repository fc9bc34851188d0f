"""A run's own values at rest: sealed, because a parameter may be a secret."""

import json
from dataclasses import asdict
from datetime import date, time

from nomaflow.domain.run import RunOptions
from nomaflow.security.vault import Vault

_CONTEXT = "run options"


def pack(options: RunOptions, vault: Vault) -> str | None:
    """The options as the run's row keeps them; None when the fire changed nothing."""
    if options == RunOptions():
        return None
    return vault.seal(json.dumps(asdict(options), default=_plain), _CONTEXT)


def _plain(value: object) -> object:
    """What TOML holds and JSON does not: a day, an instant, a time of day."""
    return value.isoformat() if isinstance(value, date | time) else str(value)


def unpack(packed: str | None, vault: Vault) -> RunOptions:
    """Back from `pack`. Raises SecretsError when the key that sealed them is gone."""
    if packed is None:
        return RunOptions()
    return RunOptions(**json.loads(vault.unseal(packed, _CONTEXT).reveal()))
