"""Secrets in every place where one can stand, runs that fail in every way, a thorough search."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.canaries import readings, sealed_by_the_older_system
from tests.commands import Server, living_children, nomaflow, serving
from tests.homes import a_home
from tests.waiting import eventually

from nomaflow.app import App
from nomaflow.catalogue.home import Home
from nomaflow.history.chunks import unpack
from nomaflow.security.keys import read_keys
from nomaflow.security.vault import Vault

CANARIES = {
    "token": "Tok-4/e1 p@ss&<é>%+$7f",
    "password": "Env-9/pw :d&=é#a51c",
    "sealed": "Sealed/3c p@ss w:rd&77",
    "older": "Older-b2/ é:word&=901e",
    "query": "Query-d41d8cd98f00b204",
    "closed": "Closed/5e4 p@ss:w?rd-2",
}
WAYS = [
    "raises", "chains", "notes", "groups", "names_a_type", "quotes_its_source", "prints",
    "writes_past_python", "logs", "returns", "returns_encoded", "returns_too_much", "dies", "asks",
    "exits",
]  # fmt: skip
PLUGIN = """
import base64, json, linecache, logging, os, subprocess, sys, time
from urllib.parse import quote, quote_plus

def forms(secret):
    raw = secret.encode()
    return [
        secret, quote(secret), quote_plus(secret), quote(quote(secret, safe="")), raw.hex(),
        base64.b64encode(raw).decode(), base64.b64encode(b"u:" + raw).decode(),
        base64.urlsafe_b64encode(b"user:" + raw).decode(), json.dumps({"a": secret}),
        json.dumps(json.dumps([secret])), repr(raw), ascii(secret),
        f"postgresql://reader:{quote(secret, safe='')}@db/erp",
        f"host=db user=reader password='{secret}'",
    ]

def raises(ctx, token, **_):
    raise ValueError(f"no such key: {token}")

def chains(ctx, token, **_):
    try:
        try:
            {}[token]
        except KeyError as cause:
            raise LookupError(quote(token)) from cause
    except LookupError:
        raise RuntimeError("nested")

def notes(ctx, token, **_):
    error = RuntimeError("see the note")
    error.add_note(" | ".join(forms(token)))
    raise error

def groups(ctx, token, **_):
    raise ExceptionGroup(token, [ValueError(form) for form in forms(token)])

def names_a_type(ctx, token, **_):
    raise type(token, (Exception,), {})("of a strange type")

def quotes_its_source(ctx, token, **_):
    source = f"raise ValueError('sent') # {token}\\n"
    linecache.cache["<made>"] = (len(source), None, [source], "<made>")
    exec(compile(source, "<made>", "exec"))

def prints(ctx, token, **_):
    for form in forms(token):
        print("printed", form)
        print(form, file=sys.stderr)
    sys.stdout.write(token[:9])
    sys.stdout.write(token[9:] + "\\n")
    raise RuntimeError("printed")

def writes_past_python(ctx, token, **_):
    for form in forms(token):
        os.write(1, f"{form}\\n".encode())
    os.write(2, token[:9].encode())
    os.write(2, token[9:].encode() + b"\\n")
    subprocess.run(["cat"], input=token.encode(), check=True)
    raise RuntimeError("written")

def logs(ctx, token, **_):
    for form in forms(token):
        ctx.log.info("logged %s", form)
    try:
        raise ValueError(token)
    except ValueError:
        ctx.log.exception("went wrong")
    logging.getLogger("library").error("a library logs %s", token)
    raise RuntimeError("logged")

def returns(ctx, token, longer, **_):
    return {"token": token, "longer": longer, token: [token, {"deep": token}], "params": str(_)}

def returns_encoded(ctx, token, **_):
    return {"forms": forms(token)}

def returns_too_much(ctx, token, **_):
    return {"long": f"{token} " * 20000}

def dies(ctx, token, **_):
    os.write(2, f"last words: {token}".encode())
    os.abort()

def asks(ctx, **_):
    ctx.get_connector("closed").execute("SELECT 1")

def exits(ctx, token, **_):
    sys.exit(token)

def waits(ctx, token, **_):
    print("waiting", token)
    while not ctx.is_cancelled():
        time.sleep(0.02)
"""
SQL = {
    "cast": ("erp", "SELECT CAST(:token AS integer)"),
    "bind": ("erp", "SELECT CAST(:longer AS date)"),
    "row": ("sealed", "SELECT :token AS token, :longer AS longer"),
    "raise": ("older", "DO 'begin raise exception ''% and %'', 1; end'"),
    "tls": ("query", "SELECT 1"),
    "refused": ("closed", "SELECT 1"),
    "store": ("default", "INSERT INTO ly2_job_runs (job_id, state) VALUES (:token, :longer)"),
    "unbound": ("default", "SELECT :missing, :token"),
}
PARAMS = """params = { token = "${env:TOKEN}", longer = "Bearer ${env:TOKEN}!" }"""


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_no_canary_is_found_anywhere_after_runs_that_fail_in_every_way(
    tmp_path: Path, store: str, postgresql_url: str
) -> None:
    home = a_home_full_of_canaries(tmp_path / "home", store, postgresql_url)
    token = asyncio.run(a_token(home))
    with serving(home, token) as server:
        runs = [server.run(job, **by_hand(job)) for job in (*WAYS, *SQL)]
        states = {run["job_id"]: run["state"] for run in map(server.ended, runs)}
        waiting = server.run("waits")
        eventually(lambda: "waiting" in str(server.get(f"/api/v1/runs/{waiting}/logs")))
        processes = list(process_texts(server.command.pid))
        server.http.post(f"/api/v1/runs/{waiting}/cancel")
        server.ended(waiting)
        answers = list(answered(server, [*runs, waiting]))
        shell = [
            nomaflow("run", "cast", "--home", home, "--json", "--param", "more=${env:TOKEN}"),
            nomaflow("show", str(runs[0]), "--home", home),
            nomaflow("validate", "--home", home),
        ]
    evidence = {
        "store": list(stored(home, store, postgresql_url)),
        "answers": answers,
        "server": server.command.err.splitlines(),
        "shell": [text for ended in shell for text in (ended.out, ended.err)],
        "processes": processes,
        "files": list(file_texts(home)),
    }

    assert set(states.values()) == {"SUCCEEDED", "FAILED"}
    assert [job for job, state in states.items() if state == "SUCCEEDED"] == [
        "returns", "returns_encoded", "returns_too_much", "row",
    ]  # fmt: skip
    found = [(place, leak) for place, texts in evidence.items() for leak in leaks(texts)]
    assert found == [], "\n".join(map(str, found))
    assert all(any("***" in text for text in evidence[place]) for place in ("store", "answers"))
    assert {name for name, _ in leaks((home / ".env").read_text().splitlines())} >= {
        "token", "password", "query", "closed",
    }  # fmt: skip


def a_home_full_of_canaries(folder: Path, store: str, url: str) -> Path:
    home = a_home(folder, plugins={"leaky.py": PLUGIN})
    key = Home(home).master_key
    with key.open("a") as stream:
        stream.write("the older system's key\n")
    sealed = Vault(read_keys(key)).seal(CANARIES["sealed"])
    older = sealed_by_the_older_system(CANARIES["older"], "the older system's key")
    pools = {
        "erp": (url, "${env:PASSWORD}"),
        "sealed": (url, sealed),
        "older": (url, older),
        "query": (f"{url}?sslmode=verify-ca&sslrootcert=/${{env:QUERY}}", None),
        "closed": ("postgresql://reader@127.0.0.1:1/none", "${env:CLOSED}"),
    }
    if store == "postgresql":
        pools["default"] = (url, "${env:PASSWORD}")
    (home / "connectors.toml").write_text("".join(pool_toml(*pool) for pool in pools.items()))
    names = {"token": "TOKEN", "password": "PASSWORD", "query": "QUERY", "closed": "CLOSED"}
    lines = [f"{variable}='{CANARIES[name]}'\n" for name, variable in names.items()]
    (home / ".env").write_text("".join(lines))
    (home / "jobs.toml").write_text("".join(map(job_toml, [*WAYS, "waits", *SQL])))
    return home


def pool_toml(name: str, pool: tuple[str, str | None]) -> str:
    url, password = pool
    sealed = f"password = {json.dumps(password)}\n" if password else ""
    connector = f'[connectors.{name}]\ntype = "sql"\npool = "{name}"\n' if name != "default" else ""
    return f'[pools.{name}]\nurl = "{url}"\n{sealed}{connector}'


def job_toml(job: str) -> str:
    head = f'[[jobs]]\nid = "{job}"\n{PARAMS}\nretry = {{ attempts = 2, base_seconds = 0 }}\n'
    step = f'{head}[[jobs.steps]]\nname = "only"\n'
    if job in SQL:
        connector, query = SQL[job]
        return (
            f'{step}type = "sql_query"\nconnector = "{connector}"\nquery = {json.dumps(query)}\n'
            "capture_first_row = true\n"
        )
    return f"""{step}type = "python"\ncallable = "leaky:{job}"
op_kwargs = {{ dsn = "https://u:${{env:TOKEN}}@h/?key=${{env:TOKEN}}", again = "${{kw:token}}" }}
"""


def by_hand(job: str) -> dict[str, Any]:
    """Values of the run form, secrets among them, at the level that shows most."""
    typed = {"typed": CANARIES["token"], "list": [{"a": f"x{CANARIES['token']}"}]}
    return {"params": typed, "op_kwargs": {"only": {"one": typed}}, "log_level": "DEBUG"}


async def a_token(home: Path) -> str:
    app = App.build(home)
    async with app.store():
        return (await app.access.create_token("tests")).reveal()


def answered(server: Server, runs: Iterable[int]) -> Iterator[str]:
    """What the API says of the runs, and of all else."""
    for path in ("jobs", "runs?limit=500", "openapi.json"):
        yield from strings(server.get(f"/api/v1/{path}"))
    for run_id in runs:
        for path in ("", "/logs?limit=10000", "/attempts"):
            yield from strings(server.get(f"/api/v1/runs/{run_id}{path}"))


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON-like value, keys too."""
    match value:
        case Mapping():
            for key, item in value.items():
                yield str(key)
                yield from strings(item)
        case list():
            for item in value:
                yield from strings(item)
        case _:
            yield from str(value).splitlines()


def process_texts(pid: int) -> Iterator[str]:
    """The command line and the environment of the server and of its children."""
    family = [pid, *living_children(pid)]
    assert len(family) > 1
    for member in family:
        for name in ("cmdline", "environ"):
            yield Path(f"/proc/{member}/{name}").read_text(errors="replace")


def stored(home: Path, store: str, url: str) -> Iterator[str]:
    """Every cell of every table; the lines of the logs as they were logged."""
    if store == "sqlite":
        connection: Any = sqlite3.connect(home / "data" / "nomaflow.db")
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ly2_%'"
    else:
        connection = psycopg.connect(url)
        tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'ly2_%'"
    cursor = connection.cursor()
    names = [name for (name,) in cursor.execute(tables).fetchall()]
    assert {"ly2_job_runs", "ly2_step_runs", "ly2_step_attempts", "ly2_job_logs"} <= set(names)
    for name in names:
        for row in cursor.execute(f"SELECT * FROM {name}").fetchall():
            for cell in row:
                yield from cell_texts(cell)
    connection.close()


def cell_texts(cell: object) -> Iterator[str]:
    if isinstance(cell, bytes):
        yield from (line.message for line in unpack(cell, 1))
        return
    with suppress(ValueError, TypeError):
        cell = json.loads(cell)
    yield from strings(cell)


def file_texts(home: Path) -> Iterator[str]:
    """Every file of the home but the env file, the store's own file byte by byte."""
    compact = home / "data" / "compact.db"
    if (home / "data" / "nomaflow.db").exists():
        with sqlite3.connect(home / "data" / "nomaflow.db") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM INTO ?", (str(compact),))
        connection.close()
    for file in home.rglob("*"):
        if file.is_file() and file.name != ".env":
            yield from file.read_bytes().decode("utf-8", "replace").splitlines()


def leaks(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Which canary a reader who decodes twice finds, and the text that gives it away."""
    return [(name, text[:300]) for text in set(texts) for name in found_in(text)]


@cache
def found_in(text: str) -> list[str]:
    read = readings(text, depth=2)
    return [name for name, canary in CANARIES.items() if any(canary in each for each in read)]
