"""`step_defaults`: values that are merged under every step at load."""

from collections.abc import Collection, Mapping
from typing import Any


def merged_under(
    step: Mapping[str, Any], layers: Collection[Mapping[str, Any]], known: Collection[str]
) -> dict[str, Any]:
    """The step with what it leaves out taken from the layers, later ones win.

    Only keys that the step's type knows are taken. Tables merge key by key, all else is replaced.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        taken = {key: value for key, value in layer.items() if key in known}
        merged = _over(merged, taken)
    return _over(merged, step)


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        both_tables = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _over(below, value) if both_tables else value  # type: ignore[arg-type]  # tables
    return merged
