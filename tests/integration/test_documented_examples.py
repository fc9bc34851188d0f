"""Every example of the documentation is one that works: TOML loads, Python compiles."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.init import init
from nomaflow.catalogue.load import load

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"^# (\w+\.toml)\n", re.MULTILINE)
SHORTENED = re.compile(r'"ENC:v1:[^"]*…"')
SQL = 'type = "sql"\npool = "elsewhere"'
CONNECTORS = {
    **dict.fromkeys(("app", "erp", "reporting"), SQL),
    "crm": 'type = "http"\nbase_url = "https://crm.example.com"',
    "directory": 'type = "ldap"\nserver = "ldaps://ldap.example.com"\n'
    'bind_dn = "cn=sync"\nbind_password = "${env:SHORTENED}"',
}
POOLS = dict.fromkeys(("elsewhere", "erp"), 'url = "sqlite:///data/db.db"')
A_QUERY = """
[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "default"
query = "SELECT 1"
"""
NIGHTLY = 'id = "nightly-refresh"\n'
A_JOB = '[[jobs]]\nid = "documented"\nparams = { region = "EU", threshold = 7 }\n'
A_COPY = """
[[jobs.steps]]
name = "copy"
type = "sql_copy"
source = { connector = "erp", table = "orders" }
target = { connector = "reporting", table = "orders" }
"""


def examples(language: str) -> list[object]:
    """Each block of that language as a parameter of a test, which bears its place."""
    found = [
        (page.relative_to(ROOT), text)
        for page in PAGES
        for of, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if of == language
    ]
    return [pytest.param(text, id=f"{page}-{number}") for number, (page, text) in enumerate(found)]


@pytest.mark.parametrize("text", examples("toml"))
def test_an_example_in_toml_has_no_problem(text: str, tmp_path: Path) -> None:
    home = init(tmp_path / "home")
    home.env_file.write_text("SHORTENED=x\nERP_PASSWORD=x\nSTORE_PASSWORD=x\n")
    lay_out(home, SHORTENED.sub('"${env:SHORTENED}"', text))
    assert [str(problem) for problem in load(home).problems] == []


@pytest.mark.parametrize("text", examples("python"))
def test_an_example_in_python_compiles(text: str) -> None:
    compile(text, "the example", "exec")


def lay_out(home: Home, text: str) -> None:
    """Put the example into the files that it is for, with what it takes for granted."""
    texts = dict(_files(text))
    jobs, connectors = texts.get("jobs.toml", ""), texts.get("connectors.toml", "")
    (home.path / "app.toml").write_text(texts.get("app.toml", ""))
    granted_job = "" if NIGHTLY in jobs else f"\n[[jobs]]\n{NIGHTLY}{A_QUERY}"
    home.jobs_toml.write_text(jobs + granted_job)
    granted = [*_absent("connectors", CONNECTORS, connectors), *_absent("pools", POOLS, connectors)]
    home.connectors_toml.write_text("\n".join([*granted, connectors]))


def _files(text: str) -> Iterator[tuple[str, str]]:
    """The text of each file by its name."""
    before, *named = FILE_NAME.split(text)
    if before.strip():
        named = [_file_of(before), before, *named]
    for name, part in zip(named[0::2], named[1::2], strict=True):
        yield name, _whole(part) if name == "jobs.toml" else part


def _file_of(text: str) -> str:
    if re.match(r"\[(pools|connectors)\.", text):
        return "connectors.toml"
    return "app.toml" if re.match(r"\[\w", text) else "jobs.toml"


def _whole(text: str) -> str:
    """A job, also when the example shows only some steps, or only some fields of a copy."""
    has_steps = "[[jobs.steps]]" in text
    if "[[jobs]]" in text:
        return text if has_steps else text + A_QUERY
    return A_JOB + (text if has_steps else A_COPY + text)


def _absent(kind: str, granted: dict[str, str], text: str) -> list[str]:
    return [
        f"[{kind}.{name}]\n{fields}"
        for name, fields in granted.items()
        if f"[{kind}.{name}]" not in text
    ]
