"""`nomaflow export`, and the way back: whole, readable elsewhere, and without a secret."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from tests.commands import nomaflow
from tests.homes import a_home, a_query_job

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.catalogue.transfer.archive import archive_of, read_archive, write_archive
from nomaflow.errors import Refused
from nomaflow.security.keys import read_keys
from nomaflow.security.vault import Vault

KEY = "hunter2-hunter2"
JOBS = f"""
# kept as it is
{a_query_job("good", "SELECT 1", "SELECT 2")}
[jobs.params_schema.key]
secret = true
{a_query_job("sad", "SELECT * FROM nowhere")}
"""
CONNECTORS = """
[pools.erp]
url = "postgresql://${env:ERP_USER}@db/erp"
password = "SEALED"
[connectors.erp]
type = "sql"
pool = "erp"
"""
ENV = f'ERP_USER=reader-of-erp\nOTHER="{KEY}"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    plugins = {
        "pkg/plugin.py": "def work(ctx): ...\n",
        "pkg/__pycache__/x.pyc": "",
        "data.csv": "a",
    }
    folder = a_home(tmp_path / "home", JOBS, connectors=CONNECTORS, env=ENV, plugins=plugins)
    sealed = Vault(read_keys(folder / "master.key")).seal("pool-password")
    file = folder / "connectors.toml"
    file.write_text(file.read_text().replace("SEALED", sealed))
    return folder


def test_a_catalogue_comes_out_without_secrets_and_says_what_it_needs(
    home: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out.zip"
    ended = nomaflow("export", "catalogue", "--home", home, "-o", to)
    assert ended.code == 0, ended.err
    assert to.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(to) as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    assert sorted(content) == [
        "app.toml", "connectors.toml", "jobs.toml", "manifest.json", "plugins/data.csv",
        "plugins/pkg/plugin.py",
    ]  # fmt: skip
    everything = b"".join(content.values())
    key = read_keys(home / "master.key").newest
    for secret in (key.text, KEY, "reader-of-erp", "pool-password"):
        assert secret.encode() not in everything
    manifest = json.loads(content["manifest.json"])
    assert (manifest["variables"], manifest["keys"]) == (["ERP_USER"], [key.id])
    assert "Left out: master.key, the env file, data/" in ended.err
    assert f"It needs: variables ERP_USER; master keys {key.id}." in ended.err


def test_a_secret_in_plain_text_stays_at_home(home: Path, tmp_path: Path) -> None:
    (home / "plugins" / "data.csv").write_text(f"1\n2,{KEY}\n")
    with (home / "connectors.toml").open("a") as file:
        file.write('[connectors.erp.queries.x]\nsql = "SELECT 1"\n[pools.x]\n'
                   'url = "mysql://me:open-sesame@db/x"\n')  # fmt: skip
    to = tmp_path / "out.zip"
    ended = nomaflow("export", "catalogue", "--home", home, "--output", to)
    assert (ended.code, to.exists()) == (3, False)
    assert "field 'pools.x.url': the URL holds a password" in ended.err
    assert "plugins/data.csv:2: the value of variable OTHER stands here" in ended.err
    assert KEY not in ended.err + ended.out
    assert nomaflow("export", "catalogue", "--home", home, "-o", to, "--plain-too").code == 0


def test_an_exported_catalogue_makes_a_home_elsewhere(home: Path, tmp_path: Path) -> None:
    to, new = tmp_path / "out.zip", tmp_path / "new"
    nomaflow("export", "catalogue", "--home", home, "-o", to)
    shown = nomaflow("import", "catalogue", to, "--home", new)
    assert (shown.code, new.exists()) == (0, False)
    made = nomaflow("import", "catalogue", to, "--home", new, "--apply")
    assert made.code == 0, made.err
    for name in ("jobs.toml", "connectors.toml", "plugins/pkg/plugin.py"):
        assert (new / name).read_bytes() == (home / name).read_bytes()
    assert "The env file has no value for: ERP_USER." in made.err
    assert "field 'pools.erp.password'" in made.err
    assert "The first API token" in made.out
    assert nomaflow("run", "good", "--home", new, "--wait").code == 0


def test_back_in_the_same_home_only_what_differs_is_shown_and_written(
    home: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out.zip"
    nomaflow("export", "catalogue", "--home", home, "-o", to)
    before = (home / "jobs.toml").read_text()
    (home / "jobs.toml").write_text(before.replace("# kept as it is", "# changed"))
    shown = nomaflow("import", "catalogue", to, "--home", home)
    assert "-# changed" in shown.out
    assert "+# kept as it is" in shown.out
    assert "jobs.toml would be written." in shown.err
    assert nomaflow("import", "catalogue", to, "--home", home, "--apply").code == 0
    assert (home / "jobs.toml").read_text() == before
    assert load(Home(home)).problems == ()


def test_an_archive_that_brings_problems_is_refused_whole(home: Path, tmp_path: Path) -> None:
    archive = archive_of(Home(home), "x")
    broken = {**archive.files, "jobs.toml": b'[[jobs]]\nid = "bad"\n'}
    to = tmp_path / "out.zip"
    with to.open("wb") as stream:
        write_archive(type(archive)(broken, (), ()), stream)
    before = (home / "jobs.toml").read_bytes()
    ended = nomaflow("import", "catalogue", to, "--home", home, "--apply")
    assert ended.code == 3
    assert "job 'bad'" in ended.err
    assert (home / "jobs.toml").read_bytes() == before
    assert nomaflow("import", "catalogue", to, "--home", tmp_path / "new", "--apply").code == 3
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "name", ["master.key", "../jobs.toml", "plugins/../../x", "/etc/passwd", "plugins", "data/x"]
)
def test_an_archive_writes_nothing_but_declarations(name: str, tmp_path: Path) -> None:
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("manifest.json", '{"format": 1}')
        packed.writestr(name, "x")
    with pytest.raises(Refused, match="no file of a home"):
        read_archive(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"[[jobs]]"])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Refused, match="is no archive"):
        read_archive(tmp_path / "file")


def test_runs_and_logs_come_out_by_filter_as_lines_and_as_csv(home: Path, tmp_path: Path) -> None:
    for _ in range(2):
        nomaflow("run", "good", "--home", home, "--wait", "--param", f"key={KEY}")
    nomaflow("run", "sad", "--home", home, "--wait")
    ended = nomaflow("export", "runs", "--home", home)
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["run_id"] for row in rows] == [3, 2, 1]
    assert [step["name"] for step in rows[1]["steps"]] == ["step-1", "step-2"]
    assert rows[1]["params"] == {"key": "***"}
    assert "3 runs." in ended.err
    table = nomaflow("export", "runs", "--home", home, "--format", "csv", "--state", "failed").out
    (failed,) = csv.DictReader(io.StringIO(table))
    assert (failed["job_id"], failed["state"], failed["params"]) == ("sad", "FAILED", "{}")
    to = tmp_path / "logs.jsonl"
    nomaflow("export", "logs", "--home", home, "--job", "good", "-o", to)
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    assert {line["run_id"] for line in lines} == {1, 2}
    assert [line["seq"] for line in lines if line["run_id"] == 1][:2] == [1, 2]
    assert nomaflow("export", "runs", "--home", home, "--since", "2999-01-01").out == ""
    assert nomaflow("export", "runs", "--home", home, "--until", "soon").code == 2
