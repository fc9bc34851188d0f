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
    return _over(merged, step) if merged else dict(step)


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low) | dict(high)
    for key in low.keys() & high.keys():
        below, above = low[key], high[key]
        if isinstance(below, dict) and isinstance(above, dict):
            merged[key] = _over(below, above)
    return merged
