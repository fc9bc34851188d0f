"""The OpenAPI document against a real server: made-up requests, no fault, nothing undocumented."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands import serving
from tests.homes import a_home, a_query_job

from nomaflow.app import App

JOBS = f"""
{a_query_job("good", "SELECT 1", "SELECT 2", overlap="allow")}
{a_query_job("sad", "SELECT * FROM nowhere")}
{a_query_job("bad", "SELECT 1", schedule="0 0 31 2 *")}
{a_query_job("later", "SELECT 1", schedule="0 2 * * *", timezone="Europe/Paris")}
"""
KNOWN = """
[parameters]
"path.run_id" = "1"
"path.job_id" = "good"
"""
EXAMPLES = 4
"""For each operation, on top of those that its schema's edges give: about 700 cases in all.
With 190 of them, and the phase `stateful`, it was run once by hand over 5,000 cases."""


async def token_of(app: App) -> str:
    async with app.store():
        return (await app.access.create_token("tests")).reveal()


@pytest.mark.slow
def test_no_made_up_request_finds_a_fault_or_an_undocumented_answer(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", JOBS)
    known = tmp_path / "known.toml"
    known.write_text(KNOWN)
    with serving(home, asyncio.run(token_of(App.build(home)))) as server:
        for job in ("sad", "good"):  # run 1 failed: it can be resumed, replayed and retried
            server.http.post(f"/api/v1/jobs/{job}/runs?wait=20")
        url = f"{server.http.base_url}/api/v1/openapi.json"
        program = Path(sys.executable).with_name("schemathesis")
        command = [
            program, "--config-file", known, "run", url, "--no-color", "--no-shrink",
            "--header", f"Authorization: Bearer {server.token}", "--max-examples", EXAMPLES,
            "--generation-deterministic", "--phases", "coverage,fuzzing", "--request-timeout", 30,
            # that a value has the right form does not make it an expression or a zone
            "--exclude-checks", "positive_data_acceptance",
        ]  # fmt: skip
        ended = subprocess.run(
            list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
    generated = re.search(r"(\d+) generated, (\d+) passed", ended.stdout)

    assert ended.returncode == 0, ended.stdout
    assert generated is not None, ended.stdout
    assert int(generated[1]) > 300
