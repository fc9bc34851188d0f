"""The server answers as soon as ever while it works: what is busy is in other processes."""

from pathlib import Path

from bench.answers import PATHS, a_home_with_orders, spent
from bench.figure import quantile
from bench.server import Client, measured
from tests.waiting import eventually

ROUNDS, ASKED, ROWS = 3, 60, 300_000


def test_a_copy_and_a_busy_loop_do_not_slow_the_answers_down(tmp_path: Path) -> None:
    home = a_home_with_orders(tmp_path, ROWS)
    with measured(home) as subject:
        client = subject.client()
        client.run("ask")
        quiet = [medians(client) for _ in range(ROUNDS)]
        client.run("busy")
        busy = [beside_a_copy(client) for _ in range(ROUNDS)]
        client.http.close()

    for path in PATHS:
        alone, beside = (min(found[path] for found in rounds) for rounds in (quiet, busy))
        assert beside < 6 * alone, f"{path}: {alone:.1f} ms, and {beside:.1f} ms beside the work"


def medians(client: Client) -> dict[str, float]:
    """Milliseconds of an answer in the middle, by what was asked for."""
    return {name: quantile(spent(client, path, ASKED), 0.5) for name, path in PATHS.items()}


def beside_a_copy(client: Client) -> dict[str, float]:
    copy = client.run("copy")
    found = medians(client)
    eventually(lambda: client.ask(f"/api/v1/runs/{copy}")["state"] == "SUCCEEDED", seconds=60)
    return found
