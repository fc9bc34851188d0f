"""A hundred kills: the server dies by SIGKILL at seeded moments of a run, and nothing is lost.

Every kill is held against the promises when it happens; one that breaks a promise ends this.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.kills import Ground, kills, on_postgresql, on_sqlite
from tests.servers.postgresql import throwaway_postgresql

from bench.figure import Figure

KILLS, SEED = 50, 20261122


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from figures("SQLite", Path(folder), on_sqlite(Path(folder) / "home"))
    with (
        tempfile.TemporaryDirectory() as folder,
        throwaway_postgresql() as server,
        server.database() as url,
    ):
        yield from figures("PostgreSQL", Path(folder), on_postgresql(url))


def figures(name: str, folder: Path, ground: Ground) -> Iterator[Figure]:
    """How many kills hit the run, and where; the others came after its end."""
    chance = random.Random(SEED)  # noqa: S311  # the same moments each time
    found = list(kills(folder, ground, KILLS, chance))
    hits = Counter(each.step for each in found if each.step is not None)
    settings = f"{name}, {KILLS} kills, seed {SEED}, {ground.rows:,} rows"
    yield Figure("kills that broke no promise", len(found), "kills", settings, f"{KILLS}")
    yield Figure("hit the run midway", hits.total(), "kills", settings, f"> {KILLS // 2}")
    for step, count in hits.most_common():
        yield Figure(
            f"in step '{step}'" if step != "between" else "between", count, "kills", settings
        )
