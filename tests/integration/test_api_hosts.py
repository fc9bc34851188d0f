"""A real server answers under its own names only, to pages of its own only."""

import asyncio
from collections.abc import Iterator

import pytest
import socketio
from tests.commands import Server, serving
from tests.homes import a_home

from nomaflow.app import App


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = a_home(tmp_path_factory.mktemp("hosts") / "home")
    app_toml = home / "app.toml"
    app_toml.write_text(
        app_toml.read_text().replace("[server]", '[server]\nallowed_hosts = ["jobs.example.com"]')
    )
    with serving(home, asyncio.run(token_of(App.build(home)))) as server:
        yield server


async def token_of(app: App) -> str:
    async with app.store():
        return (await app.access.create_token("tests")).reveal()


@pytest.mark.parametrize(
    "path", ["/health", "/", "/api/v1/jobs", "/socket.io/?EIO=4&transport=polling"]
)
def test_a_name_that_is_not_its_own_gets_no_answer(server: Server, path: str) -> None:
    refused = server.http.get(path, headers={"Host": "evil.example"})
    foreign = server.http.get(path, headers={"Origin": "http://evil.example"})
    known = server.http.get(path, headers={"Host": "jobs.example.com"})
    own = server.http.get(path, headers={"Origin": str(server.http.base_url).rstrip("/")})

    assert (refused.status_code, foreign.status_code) == (403, 403)
    assert "evil.example" in refused.json()["detail"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert (known.status_code, own.status_code) == (200, 200)


async def test_a_page_of_others_gets_no_live_events_over_a_web_socket_either(
    server: Server,
) -> None:
    client = socketio.AsyncClient(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            str(server.http.base_url),
            headers={"Origin": "http://evil.example"},
            auth={"token": server.token},
            transports=["websocket"],
        )
    await client.disconnect()
