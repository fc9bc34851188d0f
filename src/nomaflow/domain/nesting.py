"""How deep values are nested: what reads and writes them goes only so deep itself."""

from collections.abc import Mapping
from typing import Any, Final

MOST_LEVELS: Final = 64


def is_too_deep(value: Any) -> bool:
    """Whether lists and mappings stand in each other more than `MOST_LEVELS` times."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [item for each in level for item in _items(each)]
        if not level:
            return False
    return True


def _items(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
