"""One pair of databases: our step and the others by turns, and the medians of their ratios."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.servers.postgresql import SETTINGS

from bench.copy.databases import run_sql
from bench.copy.pairs import Pair
from bench.copy.peers import PEERS, NotInstalled, Peer, last_line
from bench.copy.processes import Cost, cpu_of_tree, forget_peaks, growth_of_tree
from bench.copy.site import Site, site
from bench.figure import Figure

ROW_BY_ROW = Path(__file__).with_name("row_by_row.py")
SHARE_BY_ROW = 10
ENDED = "SELECT count(*) FROM ly2_job_runs WHERE state IN ('SUCCEEDED', 'FAILED')"
FAILED = "SELECT error FROM ly2_step_runs WHERE state = 'FAILED'"
OUTPUT = "SELECT output FROM ly2_step_runs ORDER BY run_id DESC LIMIT 1"


def compared(pair: Pair, rows: int, repeats: int) -> Iterator[Figure]:
    """Our step once to warm up, then by turns; a ratio is of two neighbours."""
    with site(pair, max(rows // pair.share, 1)) as place:
        tool = place.filled(pair.tool)
        our_step(place)
        turns = [(our_step(place), by_command(place, tool)) for _ in range(repeats)]
        yield from figures(place, turns)
        if pair.has_peers:
            yield from others(place, median(our.wall for our, _ in turns))


def our_step(place: Site) -> Cost:
    """A run by hand in a server: stash, indexes, check, swap and history included."""
    server = place.nomaflow
    before = server.rows(ENDED)[0][0]
    memory = forget_peaks(server.pid)
    spent, began = spent_by(place, server.pid), perf_counter()
    server.client().run("copy")
    server.wait(ENDED, before + 1)
    wall = perf_counter() - began
    if failed := server.rows(FAILED):
        raise RuntimeError(failed[0][0])
    cost = Cost(wall, spent_by(place, server.pid) - spent, growth_of_tree(server.pid, memory))
    if place.pair.converts and not before:
        run_sql(place.target, place.subject.index("copied"))
    return cost


def by_command(place: Site, command: str, brings: int | None = None) -> Cost:
    """Into a bare table, then the indexes that our target has too; no ANALYZE, which ours does."""
    place.make_bare("bare")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    spent = spent_by(place)
    shell = ["bash", "-o", "pipefail", "-c", command]
    subprocess.run(shell, check=True, capture_output=True)  # noqa: S603 - of pairs.py
    place.finish("bare")
    wall = perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cost = Cost(wall, spent_by(place) - spent + client)
    if (rows := place.rows_of("bare")) != (brings or place.rows):
        raise RuntimeError(f"{rows} of {brings or place.rows} rows arrived: {command}")
    return cost


def spent_by(place: Site, *more: int) -> float:
    return sum(cpu_of_tree(pid) for pid in (*place.servers, *more))


def figures(place: Site, turns: Sequence[tuple[Cost, Cost]]) -> Iterator[Figure]:
    pair = place.pair
    ours = median(our.wall for our, _ in turns)
    yield Figure(f"{pair.name}: our step", place.rows / ours, "rows/s", described(place))
    tools = median(tool.wall for _, tool in turns)
    settings = "into a bare table, + the same indexes in turn; no ANALYZE, which our step does"
    yield Figure(f"{pair.name}: {pair.named}", place.rows / tools, "rows/s", settings)
    ratio = median(tool.wall / our.wall for our, tool in turns)
    told = f"paired median of {len(turns)}"
    yield Figure(f"{pair.name}: speed against it", ratio, "x", told, pair.at_least)
    cpu = median(our.cpu / tool.cpu for our, tool in turns)
    yield Figure(f"{pair.name}: CPU against it", cpu, "x", told, pair.most_cpu)
    grown = max(our.growth for our, _ in turns)
    what = f"{pair.name}: growth of the step's process"
    yield Figure(what, grown, "MiB", "the most of all runs but the first", pair.most_memory)


def others(place: Site, ours: float) -> Iterator[Figure]:
    """What needs no second look: each runs once."""
    few = place.rows // SHARE_BY_ROW
    naive = f"{sys.executable} {ROW_BY_ROW} {{source}} {{target}} {{table}} {few}"
    settings = f"SQLAlchemy, batches of 10,000 rows; {few:,} rows, once"
    cost = by_command(place, place.filled(naive), brings=few)
    what = f"{place.pair.name}: speed against executemany"
    yield Figure(what, cost.wall / (ours * few / place.rows), "x", settings, "≥ 8")
    for peer in PEERS:
        with tempfile.TemporaryDirectory() as folder:
            yield measured_peer(place, ours, peer, Path(folder))


def measured_peer(place: Site, ours: float, peer: Peer, folder: Path) -> Figure:
    """One that cannot be had, or fails, is told of and not measured."""
    try:
        command = peer.fetched(folder)
        cost = by_command(place, place.filled(command))
    except NotInstalled as missing:
        reason = f"not installed: {missing}"
    except subprocess.CalledProcessError as failed:
        reason = f"failed: {last_line(failed)}"
    except RuntimeError as wrong:
        reason = f"failed: {wrong}"
    else:
        what = f"{place.pair.name}: speed against {peer.name}"
        return Figure(what, cost.wall / ours, "x", peer.told, peer.at_least)
    return Figure(f"{place.pair.name}: {peer.name} {reason}", 0, "", peer.told)


def described(place: Site) -> str:
    output = str(place.nomaflow.rows(OUTPUT)[0][0])
    lane = output.partition('"lane"')[2].split('"')[1]
    off = ", ".join(f"{name}={value}" for name, value in SETTINGS.items() if value == "off")
    return f"{place.rows:,} rows, lane {lane}; PostgreSQL with {off}"
