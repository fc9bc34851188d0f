"""Table copies: our step, in a server, against the databases' own tools and other programs.

`python -m bench.copy --rows 2000000` measures larger tables, `--pair` and `--repeats` choose.
"""

from collections.abc import Iterator

from bench.copy.compare import compared
from bench.copy.pairs import PAIRS
from bench.copy.upsert import NAME, upserts
from bench.figure import Figure

ROWS, REPEATS = 200_000, 3
NAMES = (*PAIRS, NAME)


def measure(
    rows: int = ROWS, repeats: int = REPEATS, pairs: tuple[str, ...] = ()
) -> Iterator[Figure]:
    for name in pairs or NAMES:
        try:
            yield from upserts(rows) if name == NAME else compared(PAIRS[name], rows, repeats)
        except RuntimeError as error:  # a copy that failed; the others are measured all the same
            yield Figure(f"{name}: failed", 0, "", str(error), "= 1")
