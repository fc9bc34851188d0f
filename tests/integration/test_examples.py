"""Each example runs with the one command that its page gives, and does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.servers.slapd import slapd_program
from tests.servers.throwaway import ServerMissing

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(page.parent.name for page in EXAMPLES.glob("*/README.md"))
EXPECTED = {
    "api-pull": [
        "attempt 1 of 4 failed: HTTP 503",
        "The CRM was asked 2 times",
        "150 customers in Lyon",
    ],
    "conditional-cleanup": ["skipped: condition", "1,500 sessions are left"],
    "database-sync": [
        "reporting.orders: 5,000 rows",
        "The chat read: 5000 orders are in the reporting database",
    ],
    "file-watcher": [
        "lyon: 20 sales, 2,105.00",
        "In the archive: lyon.csv, nantes.csv",
        "In the inbox: 0 files",
    ],
    "ldap-mirror": [
        "Pruning would remove 30 of 100 rows (30.0 %)",
        "100 users",
        "25 members in team white",
    ],
    "one-off": ["expected a text that fits the pattern", "customer 1: 99.00, paid"],
    "smoke-test": [
        "continued after: ask",
        "The shop was asked 4 times",
        "three times in a row: run 4",
    ],
}


def skip_without_slapd() -> None:
    try:
        slapd_program()
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_does_what_its_page_says(name: str, tmp_path: Path) -> None:
    command = re.search(
        r"^    python (.*)$", (EXAMPLES / name / "README.md").read_text(), re.MULTILINE
    )
    assert command is not None
    if name == "ldap-mirror":
        skip_without_slapd()
    done = subprocess.run(
        [sys.executable, *command[1].split(), "--home", tmp_path / "home"],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    said = done.stdout + done.stderr
    assert [line for line in EXPECTED[name] if line not in said] == []


def test_the_list_of_examples_has_them_all() -> None:
    page = (EXAMPLES / "README.md").read_text()
    assert re.findall(r"\]\(([a-z-]+)/README.md\)", page) == sorted(
        NAMES, key=lambda name: page.index(f"({name}/")
    )


def test_a_home_that_stands_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "app.toml").touch()
    command = [sys.executable, EXAMPLES / "run.py", "one-off", "--home", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "is a home already" in done.stderr
