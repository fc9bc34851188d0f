"""A run's own values at rest: sealed, because a parameter may be a secret."""

import json
from dataclasses import asdict

from nomaflow.domain.run import RunOptions
from nomaflow.security.vault import Vault

_CONTEXT = "run options"


def pack(options: RunOptions, vault: Vault) -> str | None:
    """The options as the run's row keeps them; None when the fire changed nothing."""
    if options == RunOptions():
        return None
    return vault.seal(json.dumps(asdict(options), default=dict), _CONTEXT)


def unpack(packed: str | None, vault: Vault) -> RunOptions:
    """Back from `pack`. Raises SecretsError when the key that sealed them is gone."""
    if packed is None:
        return RunOptions()
    return RunOptions(**json.loads(vault.unseal(packed, _CONTEXT).reveal()))
