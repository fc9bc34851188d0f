"""Live events of a real server, as a stock Socket.IO client hears them."""

import asyncio
import json
import shutil
import signal
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import socketio
from tests.commands import Server, nomaflow, serving, started
from tests.homes import a_home, a_query_job

from nomaflow.app import App

NODE_MODULES = Path(__file__).parents[3] / "frontend" / "node_modules"
JOBS = f"""
{a_query_job("quick", "SELECT 1", "SELECT 2")}

[[jobs]]
id = "talker"
[[jobs.steps]]
name = "talk"
type = "python"
callable = "plugin:talk"
"""
PLUGIN = """
import time

def talk(ctx, lines=300, pause=0.005):
    for number in range(int(lines)):
        ctx.log.info("line %d", number)
        ctx.progress(number + 1, int(lines))
        time.sleep(float(pause))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_home(tmp_path_factory.mktemp("live") / "home", JOBS, plugins={"plugin.py": PLUGIN})


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    token = asyncio.run(token_of(App.build(home)))
    with serving(home, token) as server:
        yield server


async def token_of(app: App, name: str = "tests") -> str:
    async with app.store():
        return (await app.access.create_token(name)).reveal()


class Listener:
    """A stock client that writes down what it hears."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self._more = asyncio.Condition()
        self.client.on("*", self._hear)
        for event in ("connect_error", "disconnect"):
            self.client.on(event, partial(self._hear, event))

    async def connect(self, server: Server, **options: Any) -> "Listener":
        auth = options.pop("auth", {"token": server.token})
        await self.client.connect(str(server.http.base_url), auth=auth, **options)
        return self

    async def subscribe(self, **subject: Any) -> Any:
        return await self.client.call("subscribe", subject)

    async def leave(self) -> None:
        """Without a word, as a network that fails."""
        await self.client.eio.disconnect(abort=True)

    async def once(self, fact: Any, seconds: float = 30) -> None:
        async with asyncio.timeout(seconds), self._more:
            await self._more.wait_for(lambda: fact(self))

    @property
    def events(self) -> list[str]:
        return [name for name, _ in self.heard if name != "disconnect"]

    def of(self, event: str) -> list[Any]:
        return [told for name, told in self.heard if name == event]

    def lines(self, run_id: int) -> list[Any]:
        batches = (told for told in self.of("run.log") if told["run_id"] == run_id)
        return [line for batch in batches for line in batch["lines"]]

    def has_ended(self, run_id: int) -> bool:
        changes = (run for run in self.of("run.changed") if run["run_id"] == run_id)
        return any(run["state"] in {"SUCCEEDED", "FAILED", "CANCELED"} for run in changes)

    async def _hear(self, event: str, told: Any) -> None:
        async with self._more:
            self.heard.append((event, told))
            self._more.notify_all()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_a_run_is_followed_line_by_line_to_its_end(
    server: Server, transports: list[str]
) -> None:
    listener = await Listener().connect(server, transports=transports)
    run_id = server.run("talker", params={"lines": 60})
    answer = await listener.subscribe(run=run_id)
    await listener.once(lambda heard: heard.has_ended(run_id))
    stored = server.get(f"/api/v1/runs/{run_id}/logs")["lines"]
    await listener.leave()

    assert answer == {"ok": True}
    assert listener.lines(run_id) == stored
    assert listener.events[-1] == "run.changed"
    assert [step["state"] for step in listener.of("step.changed")][-1] == "SUCCEEDED"
    assert {"run_id", "index", "name", "state"} <= listener.of("step.changed")[0].keys()
    assert listener.of("step.progress")[-1] == {
        "run_id": run_id, "step": "talk", "done": 60, "total": 60,
    }  # fmt: skip


async def test_no_line_is_lost_or_told_twice_across_disconnects(server: Server) -> None:
    run_id = server.run("talker", params={"lines": 600, "pause": 0.004})
    told: list[Any] = []
    ends = False
    while not ends:
        listener = await Listener().connect(server)
        await listener.subscribe(run=run_id, after=told[-1]["seq"] if told else 0)
        seen = len(told)
        await listener.once(lambda heard: len(heard.lines(run_id)) > 90 or heard.has_ended(run_id))
        await listener.leave()
        told += listener.lines(run_id)
        ends = listener.has_ended(run_id)
        assert ends or len(told) > seen

    assert told == server.get(f"/api/v1/runs/{run_id}/logs", limit=10_000)["lines"]
    assert [line["seq"] for line in told] == list(range(1, len(told) + 1))


async def test_the_javascript_client_is_told_each_line_once_across_disconnects(
    server: Server,
) -> None:
    if not shutil.which("node") or not (NODE_MODULES / "socket.io-client").is_dir():
        pytest.skip("node or frontend/node_modules is missing: the JavaScript client is not tested")
    run_id = server.run("talker", params={"lines": 600, "pause": 0.004})
    where = [NODE_MODULES, server.http.base_url, server.token, run_id]
    client = await asyncio.create_subprocess_exec(
        "node", Path(__file__).with_name("follow.mjs"), *map(str, where), stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(60):
        out, err = await client.communicate()
    assert client.returncode == 0, err.decode()
    told = json.loads(out)

    assert told["lines"] == server.get(f"/api/v1/runs/{run_id}/logs", limit=10_000)["lines"]
    assert told["connections"] > 3


async def test_a_run_of_another_process_is_told_alike(server: Server, home: Path) -> None:
    everything = await Listener().connect(server)
    await everything.subscribe(catalogue=True)
    with started(
        "run", "talker", "--home", home, "--param", "lines=400", files=home / "cli"
    ) as cli:
        await everything.once(lambda heard: heard.of("run.changed"))
        run_id = everything.of("run.changed")[0]["run_id"]
        follower = await Listener().connect(server)
        await follower.subscribe(run=run_id)
        await follower.once(lambda heard: heard.has_ended(run_id))
        await everything.once(lambda heard: heard.has_ended(run_id))
        cli.ended()
    stored = server.get(f"/api/v1/runs/{run_id}/logs")["lines"]
    await follower.leave()
    await everything.leave()

    assert follower.lines(run_id) == stored
    assert len(stored) > 400
    assert everything.lines(run_id) == []


async def test_a_job_is_followed_with_all_its_runs_and_no_others(server: Server) -> None:
    listener = await Listener().connect(server)
    await listener.subscribe(job="quick")
    other = server.run("talker", params={"lines": 1})
    server.ended(other)
    run_id = server.run("quick")
    await listener.once(lambda heard: heard.has_ended(run_id))
    await listener.leave()

    assert {run["job_id"] for run in listener.of("run.changed")} == {"quick"}
    assert {step["run_id"] for step in listener.of("step.changed")} == {run_id}


async def test_an_ended_run_is_told_from_the_asked_line_on(server: Server) -> None:
    run_id = server.run("quick")
    server.ended(run_id)
    listener = await Listener().connect(server)
    await listener.subscribe(run=run_id, after=2)
    await listener.once(lambda heard: heard.has_ended(run_id))
    await listener.leave()

    assert next(line["seq"] for line in listener.lines(run_id)) == 3
    assert listener.events == ["run.log", "run.changed"]


@pytest.mark.parametrize("auth", [None, {}, {"token": ""}, {"token": "wrong"}, {"token": 7}, "x"])
async def test_without_a_token_in_force_nobody_connects(server: Server, auth: Any) -> None:
    listener = Listener()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await listener.connect(server, auth=auth)

    assert "Sign in with a token" in listener.of("connect_error")[0]["message"]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ({"run": 10**9}, "no run"),
        ({"run": "1"}, "run: "),
        ({"run": 1, "after": -1}, "after: "),
        ({"rum": 1}, "rum: "),
        ({"job": 7}, "job: "),
    ],
)
async def test_a_subject_that_is_none_is_refused_with_the_reason(
    server: Server, subject: Any, said: str
) -> None:
    listener = await Listener().connect(server)
    answer = await listener.subscribe(**subject)
    await listener.leave()

    assert answer["ok"] is False
    assert said in answer["error"]


async def test_a_client_stays_away_once_its_token_is_revoked(server: Server, home: Path) -> None:
    token = nomaflow("tokens", "create", "short", "--home", home).out.strip()
    listener = await Listener().connect(server, auth={"token": token})
    nomaflow("tokens", "revoke", "short", "--home", home)
    await listener.once(lambda heard: heard.of("disconnect"), seconds=20)

    assert not listener.client.connected


async def test_a_changed_catalogue_is_told_to_who_hears_everything(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    with serving(home, await token_of(App.build(home))) as server:
        listener = await Listener().connect(server)
        await listener.subscribe(catalogue=True)
        with (home / "jobs.toml").open("a") as jobs:
            jobs.write(a_query_job("added", "SELECT 1"))
        server.http.post("/api/v1/reload")
        await listener.once(lambda heard: heard.of("catalogue.changed"))
        await listener.leave()

    assert listener.of("catalogue.changed")[0] == {}


async def test_a_file_that_another_process_saved_is_told_too(server: Server, home: Path) -> None:
    listener = await Listener().connect(server)
    await listener.subscribe(catalogue=True)
    other = App.build(home)
    async with other.store():
        await other.stored.revisions.save("jobs.toml", "# of another machine", who="user:bob")
    await listener.once(lambda heard: heard.of("catalogue.changed"))
    await listener.leave()

    assert listener.of("catalogue.changed") == [{}]


def test_a_client_that_takes_nothing_holds_no_run_up_and_misses_no_line(server: Server) -> None:
    address = "/socket.io/?EIO=4&transport=polling"
    opened = server.http.get(address).text
    session = f"{address}&sid={json.loads(opened[1:])['sid']}"
    server.http.post(session, content=f"40{json.dumps({'token': server.token})}")
    server.http.get(session)
    run_id = server.run("talker", params={"lines": 20_000, "pause": 0})
    server.http.post(session, content=f'42["subscribe",{{"run":{run_id}}}]')
    ended = server.ended(run_id)
    packets: list[str] = []
    while not any("SUCCEEDED" in packet and "run.changed" in packet for packet in packets):
        packets += server.http.get(session).text.split("\x1e")
    events = [json.loads(packet[2:]) for packet in packets if packet.startswith("42")]
    lines = [line for event, told in events if event == "run.log" for line in told["lines"]]

    assert ended["state"] == "SUCCEEDED"
    assert len(lines) > 20_000
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_a_server_stops_at_once_though_clients_listen(
    tmp_path: Path, transports: list[str]
) -> None:
    home = a_home(tmp_path / "home", JOBS)
    with serving(home, await token_of(App.build(home))) as server:
        listener = await Listener().connect(server, transports=transports)
        await listener.subscribe(catalogue=True)
        server.command.signal(signal.SIGTERM)
        await listener.once(lambda heard: heard.of("disconnect"), seconds=5)
        ended = await asyncio.to_thread(server.command.ended, seconds=10)

    assert ended.code in {0, -signal.SIGTERM}
    assert "Traceback" not in ended.err
    assert "ERROR" not in ended.err
