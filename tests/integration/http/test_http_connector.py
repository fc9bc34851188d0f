"""HTTP connectors: credentials, TLS, and their use from Python steps."""

import base64
import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from tests.homes import a_home, ended, running
from tests.servers.certificates import Authority
from tests.servers.web import Exchange, Web, a_web

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.connectors.base import ConnectorSettings
from nomaflow.connectors.http import CONNECTOR, HttpConnector, HttpDefinition
from nomaflow.domain.run import StepRun
from nomaflow.domain.states import StepState
from nomaflow.errors import NotFound, StepFailed, StepRefused, Unreachable

JOB = """
[[jobs]]
id = "web"
[[jobs.steps]]
name = "ask"
type = "http"
connector = "crm"
url = "orders"
"""


def echo(exchange: Exchange) -> None:
    seen = {"path": exchange.path, "headers": dict(exchange.headers)}
    exchange.answer(200, json.dumps(seen).encode(), Content_Type="application/json")


ROUTES = {"/api/orders": echo, "/api": echo, "/orders": echo}


@pytest.fixture
def web() -> Iterator[Web]:
    with a_web(ROUTES) as server:
        yield server


def a_connector(url: str, **fields: object) -> HttpConnector:
    definition = HttpDefinition.model_validate({"base_url": url, **fields})
    settings = ConnectorSettings("crm", "http", definition)
    return CONNECTOR.open(settings, lambda _: None)  # type: ignore[arg-type, return-value]


async def the_step(home: Path, job: str = "web") -> StepRun:
    async with running(home) as app:
        _, steps = await ended(app, job)
    return steps[-1]


async def test_a_step_uses_base_url_headers_and_credentials_of_its_connector(
    tmp_path: Path, web: Web
) -> None:
    connectors = f"""
        [connectors.crm]
        type = "http"
        base_url = "{web.url}/api/"
        headers = {{ X-Tenant = "${{env:TENANT}}" }}
        auth = {{ user = "ann", password = "${{env:CRM_PASSWORD}}" }}
    """
    env = "TENANT=emea-tenant\nCRM_PASSWORD=correct horse\n"
    home = a_home(tmp_path / "home", JOB, connectors=connectors, env=env)
    step = await the_step(home)

    (seen,) = web.seen
    assert seen.path == "/api/orders"
    assert seen.headers["X-Tenant"] == "emea-tenant"
    assert base64.b64decode(seen.headers["Authorization"][6:]) == b"ann:correct horse"
    assert step.state is StepState.SUCCEEDED
    shown = json.dumps(step.output)
    assert "emea-tenant" not in shown
    assert seen.headers["Authorization"][6:] not in shown


async def test_a_bearer_token_may_be_sealed(tmp_path: Path, web: Web) -> None:
    home = a_home(tmp_path / "home", JOB)
    async with running(home) as app:
        sealed = app.vault.seal("a-bearer-token")
    (home / "connectors.toml").write_text(
        f'[connectors.crm]\ntype = "http"\nbase_url = "{web.url}/api"\n'
        f'auth = {{ token = "{sealed}" }}\n'
    )
    step = await the_step(home)
    assert web.seen[0].headers["Authorization"] == "Bearer a-bearer-token"
    assert "a-bearer-token" not in json.dumps(step.output)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('base_url = "crm.example.com"', "begins with http:// or https://"),
        ('auth = { token = "plain" }', "plain text is refused here"),
        ('auth = { user = "ann" }', "expected { user, password } or { token }"),
        ('auth = { user = "ann", password = "plain" }', "plain text is refused here"),
        ("retries = 3", "unknown key 'retries'"),
        ('headers = { X = "${kw:x}" }', "has no meaning here"),
    ],
)
def test_a_connector_that_does_not_fit_is_a_problem_at_its_line(
    tmp_path: Path, field: str, message: str
) -> None:
    base = "" if field.startswith("base_url") else 'base_url = "https://crm.example.com"\n'
    connectors = f'[connectors.crm]\ntype = "http"\n{base}{field}\n'
    home = a_home(tmp_path / "home", connectors=connectors)
    (problem,) = load(Home(home)).problems
    assert message in problem.message
    assert (problem.file, problem.line) == ("connectors.toml", connectors.count("\n"))


def test_a_relative_url_stays_at_the_base_whatever_it_is(web: Web) -> None:
    connector = a_connector(f"{web.url}/api")
    paths = ("orders", "/orders", f"{web.url}/api/orders")
    assert [connector.get(path).json()["path"] for path in paths] == ["/api/orders"] * 3
    assert connector.get().json()["path"] == "/api"
    with pytest.raises(StepRefused, match=r"is not at .* credentials"):
        connector.get("https://elsewhere.example.com/orders")
    with pytest.raises(StepFailed, match="404"):
        connector.get("//elsewhere.example.com/orders").raise_for_status()
    connector.close()


def test_a_connection_is_kept_for_the_next_request(web: Web) -> None:
    ports = set()

    def told(exchange: Exchange) -> None:
        ports.add(exchange.client_address[1])
        exchange.answer(200, b"ok")

    with a_web({"/": told}) as server:
        connector = a_connector(server.url).cancellable(lambda _: nullcontext())
        for _ in range(3):
            connector.get("/")
        connector.close()
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("name", "valid", "trusts", "message"),
    [
        ("127.0.0.1", 1, False, "unable to get local issuer certificate"),
        ("other.example.com", 1, True, "IP address mismatch"),
        ("127.0.0.1", -2, True, "certificate has expired"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused_and_says_why(
    tmp_path: Path, name: str, valid: int, trusts: bool, message: str
) -> None:
    authority = Authority(tmp_path)
    trust = {"ca_file": str(authority.ca_file)} if trusts else {}
    with a_web(ROUTES, tls=authority.server(name, valid=timedelta(days=valid))) as server:
        connector = a_connector(server.url, **trust)
        with pytest.raises(StepFailed, match=message) as refused:
            connector.get("/orders")
        assert refused.value.type == "CertificateError"
        assert server.seen == []
        unchecked = a_connector(server.url, verify=False)
        assert unchecked.get("/orders").status == 200
        connector.close()
        unchecked.close()


def test_a_client_shows_its_certificate_where_one_is_asked_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    mine = str(authority.issue("client"))
    trust = {"ca_file": str(authority.ca_file)}
    with a_web(ROUTES, tls=authority.server("127.0.0.1", asks=True)) as server:
        known = a_connector(server.url, client_cert=mine, **trust)
        stranger = a_connector(server.url, **trust)
        assert known.get("/orders").status == 200
        with pytest.raises(Unreachable):
            stranger.get("/orders")
        known.close()
        stranger.close()


def test_a_file_of_tls_settings_that_is_not_there_is_named(tmp_path: Path) -> None:
    connector = a_connector("https://127.0.0.1:1", ca_file=str(tmp_path / "no.pem"))
    with pytest.raises(StepRefused, match=r"file of 'ca_file', .*no\.pem, cannot be used"):
        connector.get("/")


PLUGIN = """
    async def gather(ctx):
        crm = ctx.get_connector("crm")
        answer = await crm.get("orders?size=9", params={"page": 2})
        return {"path": answer.json()["path"], "status": answer.status}

    def gather_plainly(ctx):
        crm = ctx.get_connector("crm")
        crm.post("orders", json={"a": 1}).raise_for_status()
        with crm.stream("GET", "orders") as answer:
            size = sum(map(len, answer.chunks()))
        return {"size": size > 10}

    def within(ctx, url):
        return ctx.run_step("http", url=url)

    def miss(ctx):
        ctx.get_connector("crm").get("missing").raise_for_status()
"""


async def test_python_steps_use_the_connector_awaited_or_blocking(tmp_path: Path, web: Web) -> None:
    jobs = "".join(
        f'[[jobs]]\nid = "{name}"\n[[jobs.steps]]\nname = "go"\ntype = "python"\n'
        f'callable = "web:{name}"\n'
        for name in ("gather", "gather_plainly", "miss")
    )
    connectors = f'[connectors.crm]\ntype = "http"\nbase_url = "{web.url}/api"\n'
    home = a_home(tmp_path / "home", jobs, connectors=connectors, plugins={"web.py": PLUGIN})
    async with running(home) as app:
        steps = [(await ended(app, job))[1][0] for job in ("gather", "gather_plainly", "miss")]

    assert steps[0].output == {"path": "/api/orders?size=9&page=2", "status": 200}
    assert steps[1].output == {"size": True}
    assert steps[2].error is not None
    assert steps[2].error.type == "HTTP 404"


async def test_a_python_step_runs_a_request_within_itself(tmp_path: Path, web: Web) -> None:
    job = (
        '[[jobs]]\nid = "web"\n[[jobs.steps]]\nname = "go"\ntype = "python"\n'
        f'callable = "web:within"\nop_kwargs = {{ url = "{web.url}/orders" }}\n'
    )
    step = await the_step(a_home(tmp_path / "home", job, plugins={"web.py": PLUGIN}))
    assert step.output is not None
    assert step.output["status"] == 200
    assert step.output["json"]["path"] == "/orders"


ENDPOINTS = {
    "open": {"url": "orders?state=open", "headers": {"X-List": "open"}},
    "add": {"url": "orders", "method": "POST"},
}


def test_a_named_endpoint_is_called_with_its_method_headers_and_query(web: Web) -> None:
    crm = a_connector(f"{web.url}/api", headers={"X-List": "all"}, endpoints=ENDPOINTS)
    crm.call("open", params={"page": 2})
    crm.call("add", json={"id": 7})
    listed, added = web.seen
    assert (listed.method, listed.path) == ("GET", "/api/orders?state=open&page=2")
    assert listed.headers["X-List"] == "open"
    assert (added.method, added.path, added.body) == ("POST", "/api/orders", b'{"id":7}')


def test_an_endpoint_that_is_not_there_is_told_with_those_that_are(web: Web) -> None:
    crm = a_connector(web.url, endpoints=ENDPOINTS)
    with pytest.raises(NotFound, match=r"no endpoint 'orders'\. Known endpoints: open, add"):
        crm.call("orders")


@pytest.mark.parametrize(
    ("fields", "method", "path"),
    [
        ('url = "open"', "GET", "/api/orders?state=open"),
        ('url = "open?since=${kw:day}"', "GET", "/api/orders?state=open&since=2026-11-22"),
        ('url = "add"\nbody = { id = 7 }', "POST", "/api/orders"),
        ('url = "add"\nmethod = "PUT"\nbody = { id = 7 }', "PUT", "/api/orders"),
        ('url = "orders"', "GET", "/api/orders"),
    ],
)
async def test_a_step_names_an_endpoint_of_its_connector(
    tmp_path: Path, web: Web, fields: str, method: str, path: str
) -> None:
    connectors = f"""
        [connectors.crm]
        type = "http"
        base_url = "{web.url}/api"
        [connectors.crm.endpoints.open]
        url = "orders?state=open"
        [connectors.crm.endpoints.add]
        url = "orders"
        method = "POST"
    """
    job = JOB.replace('url = "orders"', fields) + '[jobs.params]\nday = "2026-11-22"\n'
    step = await the_step(a_home(tmp_path / "home", job, connectors=connectors))
    assert step.state is StepState.SUCCEEDED
    assert [(seen.method, seen.path) for seen in web.seen] == [(method, path)]


async def test_a_body_that_no_request_carries_is_refused_before_it_is_sent(
    tmp_path: Path, web: Web
) -> None:
    connectors = f'[connectors.crm]\ntype = "http"\nbase_url = "{web.url}/api"\n'
    job = f"{JOB}body = {{ id = 7 }}\n"
    step = await the_step(a_home(tmp_path / "home", job, connectors=connectors))
    assert step.error is not None
    assert (step.error.type, web.seen) == ("StepRefused", [])
    assert "a GET request has no body" in step.error.message
