"""The parameters that a job declares, in one run: typed for the steps, masked for all others."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.domain.parameters import Parameter, UnfitValue, as_json
from nomaflow.domain.secrets import MASK
from nomaflow.errors import StepRefused


class DeclaredParameters:
    """Knows the declarations; `unsealing` opens secrets and has them masked from then on."""

    def __init__(
        self, schema: Mapping[str, Parameter], zone: ZoneInfo, unsealing: Unsealing
    ) -> None:
        self._schema = schema
        self._zone = zone
        self._unsealing = unsealing

    @property
    def absent(self) -> Mapping[str, None]:
        """What nobody needs to give, and so is there in any case: below all layers."""
        return {name: None for name, declared in self._schema.items() if not declared.required}

    def typed(self, layer: dict[str, Any]) -> dict[str, Any]:
        """The values in their declared types. Raises StepRefused, naming the parameter."""
        for name in self._schema.keys() & layer.keys():
            layer[name] = self._typed(name, layer[name])
        return layer

    def masked(self, merged: dict[str, Any]) -> dict[str, Any]:
        """The values as the run shows them."""
        for name in self._schema.keys() & merged.keys():
            is_hidden = self._schema[name].secret and merged[name] is not None
            merged[name] = MASK if is_hidden else as_json(merged[name])
        return merged

    def _typed(self, name: str, value: Any) -> Any:
        declared = self._schema[name]
        if value is None and not declared.required:
            return None
        if isinstance(value, str):
            value = self._revealed(name, value) if declared.secret else declared.from_text(value)
        try:
            return declared.read(value, self._zone)
        except UnfitValue as error:
            raise StepRefused(f"Parameter '{name}' does not fit: {error}.") from None

    def _revealed(self, name: str, text: str) -> str:
        return self._unsealing.secret(text, f"parameter '{name}'").reveal()
