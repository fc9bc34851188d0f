"""Table copies: our step, in a server, against the databases' own tools and other programs.

`python -m bench.copy --rows 2000000` measures larger tables, `--pair` and `--repeats` choose.
"""

from collections.abc import Iterator

from bench.copy.compare import compared
from bench.copy.pairs import PAIRS
from bench.figure import Figure

ROWS, REPEATS = 200_000, 3


def measure(
    rows: int = ROWS, repeats: int = REPEATS, pairs: tuple[str, ...] = ()
) -> Iterator[Figure]:
    for name in pairs or tuple(PAIRS):
        yield from compared(PAIRS[name], rows, repeats)
