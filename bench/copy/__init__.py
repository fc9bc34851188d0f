"""Table copies: our step, in a server, against the databases' own tools and other programs.

`python -m bench.copy --rows 2000000 --repeats 5` measures the tables that the targets are set for,
in about a quarter of an hour on two quiet cores; `--pair` chooses.
"""

from collections.abc import Iterator

from bench.copy.compare import compared
from bench.copy.pairs import PAIRS
from bench.copy.upsert import UPSERTS, upserts
from bench.figure import Figure

ROWS, REPEATS = 200_000, 3
ROWS_UPSERTED_INTO = 2_000_000
NAMES = (*PAIRS, *UPSERTS)


def measure(
    rows: int | None = None, repeats: int = REPEATS, pairs: tuple[str, ...] = ()
) -> Iterator[Figure]:
    for name in pairs or NAMES:
        try:
            if name in UPSERTS:
                yield from upserts(UPSERTS[name], rows or ROWS_UPSERTED_INTO)
            else:
                yield from compared(PAIRS[name], rows or ROWS, repeats)
        except RuntimeError as error:  # a copy that failed; the others are measured all the same
            yield Figure(f"{name}: failed", 0, "", str(error), "= 1")
