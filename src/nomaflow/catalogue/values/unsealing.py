"""Opens sealed values when they are needed, and has them masked from then on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nomaflow.catalogue.values.secret_values import SECRET_FIELDS
from nomaflow.domain.secrets import Secret
from nomaflow.errors import SecretsError
from nomaflow.security.redaction import Redactor
from nomaflow.security.vault import Vault, is_sealed


@dataclass(frozen=True)
class Unsealing:
    """The keys, and who masks what they open. Thread-safe."""

    vault: Vault
    redactor: Redactor

    def opened(self, values: Any, owner: str, field: str = "") -> Any:
        """A copy of `values`, whose tokens are replaced, with every sealed text in it opened.

        What stands in a password's field is masked, sealed or not. Raises SecretsError, naming the
        field and its `owner`, such as "connector 'ad'".
        """
        if isinstance(values, Mapping):
            return {key: self.opened(value, owner, key) for key, value in values.items()}
        if isinstance(values, list | tuple):
            return [self.opened(value, owner, field) for value in values]
        if isinstance(values, str) and (field in SECRET_FIELDS or is_sealed(values)):
            return self.secret(values, f"'{field}' of {owner}").reveal()
        return values

    def secret(self, text: str, what: str) -> Secret:
        """The secret that a resolved text is, or seals. Raises SecretsError."""
        try:
            secret = self.vault.unseal(text) if is_sealed(text) else Secret(text)
        except SecretsError as error:
            raise SecretsError(f"The {what} does not open: {error}") from None
        self.redactor.add(secret)
        return secret
