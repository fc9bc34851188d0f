"""What is kept of a step's output: JSON, masked, at most 256 KiB."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from nomaflow.domain.nesting import MOST_LEVELS, is_too_deep

MAX_OUTPUT_BYTES = 256 * 1024
PREVIEW_CHARACTERS = 4096


def kept(output: Mapping[str, Any], redact: Callable[[Any], Any]) -> dict[str, Any]:
    """The output as it is stored: `redact` masks nested values; too much becomes a preview."""
    if is_too_deep(output):
        return {"truncated": True, "preview": f"nested deeper than {MOST_LEVELS} levels"}
    text = json.dumps(redact(dict(output)), default=str, ensure_ascii=False)
    stored = text.encode("utf-8", "replace")
    if len(stored) > MAX_OUTPUT_BYTES:
        return {"truncated": True, "preview": text[:PREVIEW_CHARACTERS]}
    masked: dict[str, Any] = json.loads(stored)
    return masked
