"""The step `http` against servers that behave, and that do not."""

import asyncio
import gzip
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.homes import a_home, ended, has_begun, messages, once, running
from tests.servers.certificates import Authority
from tests.servers.web import Exchange, Web, a_web
from tests.waiting import eventually

from nomaflow.domain.run import RunOptions, StepRun
from nomaflow.domain.states import RunState, StepState

MIB = 2**20


def an_http_job(url: str, **fields: Any) -> str:
    """A job with one http step, named `ask`."""
    lines = [f"{name} = {_toml(value)}" for name, value in ({"url": url} | fields).items()]
    return "\n".join(
        ["[[jobs]]", 'id = "web"', "[[jobs.steps]]", 'name = "ask"', 'type = "http"', *lines, ""]
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


async def the_step(home: Path) -> StepRun:
    async with running(home) as app:
        _, (step, *_rest) = await ended(app, "web")
    return step


def greet(exchange: Exchange) -> None:
    exchange.answer(200, b'{"hello": "world"}', Content_Type="application/json; charset=utf-8")


def echo(exchange: Exchange) -> None:
    seen = {"headers": dict(exchange.headers), "body": exchange.body.decode()}
    exchange.answer(200, json.dumps(seen).encode(), Content_Type="application/json")


def gigabyte(exchange: Exchange) -> None:
    exchange.head(200, Content_Length=str(1024 * MIB))
    for _ in range(1024):
        exchange.wfile.write(bytes(MIB))


def medium(exchange: Exchange) -> None:
    exchange.answer(200, b"x" * (20 * MIB))


def bomb(exchange: Exchange) -> None:
    exchange.answer(200, gzip.compress(bytes(200 * MIB), 1), Content_Encoding="gzip")


def cut(exchange: Exchange) -> None:
    exchange.head(200, Content_Length="1000")
    exchange.wfile.write(b"only this")
    exchange.close_connection = True


def slow(exchange: Exchange) -> None:
    exchange.head(200, Content_Length="1000")
    for _ in range(1000):
        exchange.wfile.write(b".")
        exchange.wfile.flush()
        time.sleep(0.05)


def silent(exchange: Exchange) -> None:
    time.sleep(60)


def latin(exchange: Exchange) -> None:
    exchange.answer(200, "café".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")


def binary(exchange: Exchange) -> None:
    exchange.answer(200, bytes(range(256)) * 1024, Content_Type="application/octet-stream")


def busy(exchange: Exchange) -> None:
    exchange.answer(429, b"slow down", Retry_After="7200")


def once_busy(exchange: Exchange) -> None:
    if len(exchange.server.seen) == 1:
        exchange.answer(429, b"slow down", Retry_After="1")
    else:
        exchange.answer(200, b"now")


def nowhere(exchange: Exchange) -> None:
    exchange.answer(302, Location="/nowhere")


ROUTES = {
    "/": greet,
    "/api/orders": echo,
    "/big": gigabyte,
    "/medium": medium,
    "/bomb": bomb,
    "/cut": cut,
    "/slow": slow,
    "/silent": silent,
    "/latin": latin,
    "/binary": binary,
    "/busy": busy,
    "/once-busy": once_busy,
    "/nowhere": nowhere,
}


@pytest.fixture
def web() -> Iterator[Web]:
    with a_web(ROUTES) as server:
        yield server


async def test_an_answer_is_kept_with_status_time_preview_and_json(
    tmp_path: Path, web: Web
) -> None:
    step = await the_step(a_home(tmp_path / "home", an_http_job(f"{web.url}/")))

    assert step.state is StepState.SUCCEEDED
    assert step.output is not None
    elapsed_ms = step.output["elapsed_ms"]
    assert isinstance(elapsed_ms, int)
    assert step.output == {
        "status": 200,
        "elapsed_ms": elapsed_ms,
        "body_preview": '{"hello": "world"}',
        "body_truncated": False,
        "body_bytes": 18,
        "json": {"hello": "world"},
    }


async def test_method_headers_and_body_are_sent_and_tokens_are_replaced(
    tmp_path: Path, web: Web
) -> None:
    job = an_http_job(
        f"{web.url}/api/orders?day=${{kw:day}}",
        method="POST",
        headers={"X-Job": "${ctx:job_id}"},
        body={"region": "${kw:region}", "ids": [1, 2], "all": "${kw:all}"},
    )
    home = a_home(tmp_path / "home", job)
    async with running(home) as app:
        options = RunOptions(params={"region": "EU", "all": True, "day": "2026-01-02"})
        await ended(app, "web", options)

    (seen,) = web.seen
    assert (seen.method, seen.path) == ("POST", "/api/orders?day=2026-01-02")
    assert json.loads(seen.body) == {"region": "EU", "ids": [1, 2], "all": True}
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.headers["X-Job"] == "web"
    assert seen.headers["User-Agent"] == "nomaflow"


async def test_a_bad_status_fails_the_step_with_its_type_and_the_body_s_beginning(
    tmp_path: Path, web: Web
) -> None:
    step = await the_step(a_home(tmp_path / "home", an_http_job(f"{web.url}/gone?key=hidden")))

    assert step.state is StepState.FAILED
    assert step.error is not None
    assert step.error.type == "HTTP 404"
    assert step.error.message == f"{web.url}/gone answered 404 Not Found: no such page"
    assert step.output is not None
    assert step.output["status"] == 404


async def test_a_status_that_is_expected_is_a_success(tmp_path: Path, web: Web) -> None:
    job = an_http_job(f"{web.url}/gone", expect_status=[404])
    step = await the_step(a_home(tmp_path / "home", job))
    assert step.state is StepState.SUCCEEDED


async def test_a_body_of_a_gigabyte_passes_by_without_filling_memory_or_disk(
    tmp_path: Path, web: Web
) -> None:
    home = a_home(tmp_path / "home", an_http_job(f"{web.url}/big"))
    async with running(home) as app:
        before = _peak_mib()
        run, (step,) = await ended(app, "web")
        lines = await messages(app, run.id)
        grown = _peak_mib() - before

    assert step.state is StepState.SUCCEEDED
    assert step.output is not None
    assert (step.output["body_bytes"], step.output["body_truncated"]) == (1024 * MIB, True)
    assert grown < 64
    assert any("larger than 33,554,432 bytes" in line for line in lines)
    assert not list((home / "data").glob("bodies/*"))


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def test_a_gzip_bomb_is_left_when_it_has_unpacked_to_more_than_is_kept(
    tmp_path: Path, web: Web
) -> None:
    step = await the_step(a_home(tmp_path / "home", an_http_job(f"{web.url}/bomb")))
    assert step.state is StepState.SUCCEEDED
    assert step.output is not None
    assert step.output["body_truncated"]
    assert 32 * MIB < step.output["body_bytes"] < 40 * MIB


async def test_a_body_that_is_cut_in_the_middle_fails_the_step(tmp_path: Path, web: Web) -> None:
    home = a_home(tmp_path / "home", an_http_job(f"{web.url}/cut"))
    step = await the_step(home)
    assert step.state is StepState.FAILED
    assert step.error is not None
    assert step.error.type == "Unreachable"
    assert "received 9 bytes, expected 1000" in step.error.message
    assert not list((home / "data").glob("bodies/*/*"))


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    step = await the_step(a_home(tmp_path / "home", an_http_job("http://127.0.0.1:1/x")))
    assert step.error is not None
    assert (step.error.type, step.error.message) == (
        "Unreachable",
        "http://127.0.0.1:1/x: Connection refused.",
    )


@pytest.mark.parametrize(
    ("path", "how_far"),
    [("/slow", "stopped after "), ("/silent", "stopped before any answer had come")],
)
async def test_the_wall_stops_an_answer_that_does_not_end_and_tells_how_far_it_was(
    tmp_path: Path, web: Web, path: str, how_far: str
) -> None:
    job = an_http_job(f"{web.url}{path}", timeout_seconds=0.5)
    async with running(a_home(tmp_path / "home", job)) as app:
        run, (step,) = await ended(app, "web")
        lines = await messages(app, run.id)
    assert (step.state, step.reason) == (StepState.FAILED, "timeout")
    assert [line for line in lines if line.startswith(how_far)]


@pytest.mark.parametrize("path", ["/slow", "/silent", "/big"])
async def test_a_cancel_ends_a_request_at_any_moment(tmp_path: Path, web: Web, path: str) -> None:
    async with running(a_home(tmp_path / "home", an_http_job(f"{web.url}{path}"))) as app:
        run_id = await app.runs.start("web", RunOptions(), by="user:ann")
        await once(app, run_id, has_begun)
        await asyncio.to_thread(eventually, lambda: web.seen)
        asked = time.monotonic()
        await app.runs.cancel(run_id, by="user:bob")
        run = await app.runs.wait(run_id, seconds=20)
        took = time.monotonic() - asked
    assert run.state is RunState.CANCELED
    assert took < 2.5, "the request ends before the grace does"


async def test_a_cancel_ends_a_handshake_that_is_not_answered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silence:
        job = an_http_job(f"https://127.0.0.1:{silence.getsockname()[1]}/")
        async with running(a_home(tmp_path / "home", job)) as app:
            run_id = await app.runs.start("web", RunOptions(), by="user:ann")
            silence.settimeout(20)
            client, _ = await asyncio.to_thread(silence.accept)
            asked = time.monotonic()
            await app.runs.cancel(run_id, by="user:bob")
            run = await app.runs.wait(run_id, seconds=20)
            took = time.monotonic() - asked
            client.close()
    assert run.state is RunState.CANCELED
    assert took < 2.5, "the request ends before the grace does"


async def test_text_is_read_in_its_charset_and_other_bytes_leave_the_output_whole(
    tmp_path: Path, web: Web
) -> None:
    latin = await the_step(a_home(tmp_path / "one", an_http_job(f"{web.url}/latin")))
    other = await the_step(a_home(tmp_path / "two", an_http_job(f"{web.url}/binary")))

    assert latin.output is not None
    assert latin.output["body_preview"] == "café"
    assert other.output is not None
    assert (other.output["status"], other.output["body_bytes"]) == (200, 256 * 1024)
    assert other.output["body_preview"].startswith("\x00\x01")


async def test_retry_after_prolongs_the_wait_for_the_next_attempt(tmp_path: Path, web: Web) -> None:
    retry = {"attempts": 2, "base_seconds": 0, "retry_on": ["HTTP 429"]}
    job = an_http_job(f"{web.url}/once-busy", retry=retry)
    async with running(a_home(tmp_path / "home", job)) as app:
        run, (step,) = await ended(app, "web")
        lines = await messages(app, run.id)

    assert (step.state, step.attempts) == (StepState.SUCCEEDED, 2)
    assert "next attempt in 1.0 s" in lines


async def test_retry_after_waits_no_longer_than_the_policy_allows(tmp_path: Path, web: Web) -> None:
    retry = {"attempts": 2, "base_seconds": 0, "max_seconds": 0.25}
    job = an_http_job(f"{web.url}/busy", retry=retry)
    async with running(a_home(tmp_path / "home", job)) as app:
        run, (step,) = await ended(app, "web")
        lines = await messages(app, run.id)

    assert (step.state, step.attempts) == (StepState.FAILED, 2)
    assert "next attempt in 0.25 s" in lines
    assert step.error is not None
    assert "429 Too Many Requests, asking to wait " in step.error.message


async def test_only_chosen_failures_are_tried_again(tmp_path: Path, web: Web) -> None:
    retry = {"attempts": 3, "base_seconds": 0, "retry_on": ["Unreachable", "HTTP 5*"]}
    step = await the_step(a_home(tmp_path / "home", an_http_job(f"{web.url}/busy", retry=retry)))
    assert step.attempts == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
    ],
)
async def test_a_metadata_address_is_refused_in_every_form(tmp_path: Path, url: str) -> None:
    step = await the_step(a_home(tmp_path / "home", an_http_job(url, timeout_seconds=5)))
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert "link-local or cloud metadata address" in step.error.message


@pytest.mark.parametrize(
    "inside",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
    ],
)
async def test_a_redirect_to_a_metadata_address_is_refused(tmp_path: Path, inside: str) -> None:
    def away(exchange: Exchange) -> None:
        exchange.answer(302, Location=inside)

    with a_web({"/": away}) as outside:
        step = await the_step(a_home(tmp_path / "home", an_http_job(f"{outside.url}/")))
    assert (step.state, step.output) == (StepState.FAILED, None)
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert step.error.message.startswith(f"{outside.url}/ redirects to {inside}: ")
    assert "link-local or cloud metadata address" in step.error.message


async def test_a_redirect_to_a_name_that_leads_inside_is_refused(tmp_path: Path, web: Web) -> None:
    def away(exchange: Exchange) -> None:
        exchange.answer(302, Location=f"http://localhost:{web.port}/")

    with a_web({"/": away}, host="127.0.0.2") as outside:
        home = a_home(tmp_path / "home", an_http_job(f"{outside.url}/"))
        with (home / "app.toml").open("a") as settings:
            settings.write('\n[egress]\nrefuse = ["127.0.0.1/32", "::1/128"]\n')
        step = await the_step(home)
        assert len(outside.seen) == 1
    assert (step.state, step.output, web.seen) == (StepState.FAILED, None, [])
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert "localhost (" in step.error.message


async def test_a_certificate_that_nobody_vouches_for_fails_the_step(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Authority(tmp_path).issue("127.0.0.1"))
    with a_web(ROUTES, tls=context) as secure:
        step = await the_step(a_home(tmp_path / "home", an_http_job(f"{secure.url}/")))
        assert secure.seen == []
    assert (step.state, step.output) == (StepState.FAILED, None)
    assert step.error is not None
    assert step.error.type == "CertificateError"
    assert secure.url in step.error.message


async def test_app_toml_refuses_further_networks(tmp_path: Path, web: Web) -> None:
    home = a_home(tmp_path / "home", an_http_job(f"{web.url}/"))
    with (home / "app.toml").open("a") as settings:
        settings.write('\n[egress]\nrefuse = ["127.0.0.0/8"]\n')
    step = await the_step(home)
    assert step.error is not None
    assert "is refused by [egress] in app.toml" in step.error.message
    assert web.seen == []


async def test_headers_do_not_follow_a_redirect_to_another_host(tmp_path: Path, web: Web) -> None:
    def away(exchange: Exchange) -> None:
        exchange.answer(307, Location=f"{web.url}/api/orders")

    with a_web({"/": away}) as first:
        job = an_http_job(
            f"{first.url}/",
            method="POST",
            body="hello",
            headers={"Authorization": "Bearer abcdef", "X-Api-Key": "ghijkl"},
        )
        step = await the_step(a_home(tmp_path / "home", job))
        assert first.seen[0].headers["X-Api-Key"] == "ghijkl"

    assert step.state is StepState.SUCCEEDED
    assert web.seen[0].body == b"hello"
    assert {"authorization", "x-api-key"}.isdisjoint(map(str.lower, web.seen[0].headers))


async def test_redirects_in_a_circle_end_and_one_that_is_not_followed_is_a_status(
    tmp_path: Path, web: Web
) -> None:
    def circle(exchange: Exchange) -> None:
        exchange.answer(302, Location="/circle")

    with a_web({"/circle": circle}) as round_trip:
        step = await the_step(a_home(tmp_path / "one", an_http_job(f"{round_trip.url}/circle")))
    stays = an_http_job(f"{web.url}/nowhere", follow_redirects=False)
    kept = await the_step(a_home(tmp_path / "two", stays))
    wanted = an_http_job(f"{web.url}/nowhere", expect_status=[302])
    expected = await the_step(a_home(tmp_path / "three", wanted))

    assert step.error is not None
    assert step.error.type == "TooManyRedirects"
    assert kept.error is not None
    assert kept.error.type == "HTTP 302"
    assert expected.state is StepState.SUCCEEDED


async def test_a_secret_header_that_a_service_sends_back_is_masked(
    tmp_path: Path, web: Web
) -> None:
    headers = {"Authorization": "Basic YW5uOm9wZW4=", "X-Other": "${env:OTHER}"}
    job = an_http_job(f"{web.url}/api/orders", headers=headers)
    home = a_home(tmp_path / "home", job, env="OTHER=from-the-env-file\n")
    step = await the_step(home)

    assert web.seen[0].headers["Authorization"] == "Basic YW5uOm9wZW4="
    assert "YW5uOm9wZW4" not in json.dumps(step.output)
    assert "from-the-env-file" not in json.dumps(step.output)
    assert step.output is not None
    assert step.output["json"]["headers"]["Authorization"] == "Basic ***"


async def test_a_header_that_cannot_be_sent_is_refused_without_its_value(
    tmp_path: Path, web: Web
) -> None:
    job = an_http_job(f"{web.url}/", headers={"X-Name": "one\r\nX-Two: secret-value"})
    step = await the_step(a_home(tmp_path / "home", job))
    assert step.error is not None
    assert step.error.type == "StepRefused"
    assert "secret-value" not in step.error.message
    assert web.seen == []


READER = """
    import os

    def read(ctx):
        step = ctx.previous_step("ask")
        size, mode = len(step.body), os.stat(step.body_file).st_mode
        return {"bytes": size, "status": step.output["status"], "mode": oct(mode & 0o777)}
"""


async def test_a_later_python_step_reads_the_whole_body_until_the_run_ends(
    tmp_path: Path, web: Web
) -> None:
    job = an_http_job(f"{web.url}/medium") + (
        '[[jobs.steps]]\nname = "read"\ntype = "python"\ncallable = "reader:read"\n'
    )
    home = a_home(tmp_path / "home", job, plugins={"reader.py": READER})
    async with running(home) as app:
        _, (ask, read) = await ended(app, "web")

    assert ask.output is not None
    assert len(ask.output["body_preview"]) == 65_536
    assert read.output == {"bytes": 20 * MIB, "status": 200, "mode": "0o600"}
    assert not list((home / "data").glob("bodies/*"))


async def test_a_body_that_is_not_kept_any_more_says_so(tmp_path: Path, web: Web) -> None:
    job = an_http_job(f"{web.url}/bomb") + (
        '[[jobs.steps]]\nname = "read"\ntype = "python"\ncallable = "reader:read"\n'
    )
    home = a_home(tmp_path / "home", job, plugins={"reader.py": READER})
    async with running(home) as app:
        _, (_, read) = await ended(app, "web")
    assert read.error is not None
    assert "The body of step 'ask' is not kept here: it was over 32 MiB" in read.error.message


async def test_json_that_was_cut_is_not_taken_for_json(tmp_path: Path) -> None:
    def number(exchange: Exchange) -> None:
        exchange.answer(200, b"1" * 70_000, Content_Type="application/json")

    with a_web({"/": number}) as server:
        step = await the_step(a_home(tmp_path / "home", an_http_job(f"{server.url}/")))
    assert step.output is not None
    assert "json" not in step.output
