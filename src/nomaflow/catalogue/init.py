"""Makes a home folder that the service starts as it is."""

import os
from pathlib import Path

from nomaflow.catalogue.home import Home
from nomaflow.errors import Refused
from nomaflow.security.keys import create_key_file
from nomaflow.security.vault import Vault

_APP = """\
# The settings of this instance. Every key has a default; what is written here wins.

[server]
host = "127.0.0.1"
port = 8055

[scheduler]
# timezone = "Europe/Paris"    # of jobs that name none; absent: the machine's own zone

[secrets]
# Proves at start that master.key is the right one. Leave it as it is.
canary = "{canary}"
"""

_CONNECTORS = """\
# How to reach other systems: pools are databases, connectors are what steps name.
#
# The pool "default" is the store, where runs and logs are kept. It is the file data/nomaflow.db
# unless you declare it; PostgreSQL is the store for teams:
#
# [pools.default]
# url = "postgresql://nomaflow@db.example.com:5432/nomaflow"
# password = "${env:STORE_PASSWORD}"
#
# A database to copy from or to. A password is sealed (`nomaflow secrets encrypt`) or comes from
# the env file; plain text is refused.
#
# [pools.erp]
# url = "postgresql://reader@db.example.com:5432/erp"
# password = "ENC:…"
#
# [connectors.erp]
# type = "sql"
# pool = "erp"
#
# [connectors.erp.queries.open_orders]      # a named query: steps say query = "open_orders"
# sql = "SELECT count(*) FROM orders WHERE state = 'open'"
"""

_JOBS = """\
# The catalogue: one [[jobs]] block for each job, one [[jobs.steps]] block for each of its steps.
# `nomaflow validate` checks it, `nomaflow run hello --wait` runs the job below.

[[jobs]]
id = "hello"
description = "Counts the runs in the store: a first job to see one run"
params = { state = "SUCCEEDED" }

[[jobs.steps]]
name = "count-runs"
type = "sql_query"
connector = "default"
query = "SELECT count(*) AS runs FROM ly2_job_runs WHERE state = :state"
capture_first_row = true
params = { state = "${kw:state}" }

# A job on a schedule, with another try when a step fails:
#
# [[jobs]]
# id = "nightly-refresh"
# schedule = "0 2 * * *"
# timezone = "Europe/Paris"
# retry = { attempts = 3, backoff = "exponential", base_seconds = 30 }
#
# [[jobs.steps]]
# name = "copy-orders"
# type = "sql_copy"
# source = { connector = "erp", schema = "public", table = "orders" }
# target = { connector = "default", table = "orders" }
#
# [[jobs.steps]]
# name = "report"
# type = "python"
# callable = "reports.summary:generate_pdf"    # plugins/reports/summary.py
# op_kwargs = { rows = "${out:copy-orders.target_rows}" }
"""

_ENV = """\
# KEY=VALUE lines for ${env:KEY} in connectors.toml and jobs.toml. Every value here is a secret:
# it is masked wherever it would be shown.
"""

_IGNORED = """\
.env
master.key
data/
__pycache__/
"""


def init(folder: Path) -> Home:
    """Make a home in that folder, with a fresh master key and one small job.

    Files of the folder that are not ours stay as they are. Raises Refused when the folder is a
    home already or cannot be written, SecretsError when it holds a master key.
    """
    home = Home(folder)
    if home.exists:
        raise Refused(f"{folder} is a home already and was left as it is.")
    try:
        _fill(home)
    except OSError as error:
        place = error.filename or folder
        raise Refused(f"Cannot make a home: {place}: {os.strerror(error.errno or 0)}.") from error
    return home


def _fill(home: Home) -> None:
    folder = home.path
    folder.mkdir(parents=True, exist_ok=True)
    vault = Vault(create_key_file(home.master_key))
    home.plugins.mkdir(exist_ok=True)
    home.data.mkdir(mode=0o700, exist_ok=True)
    _write_private(home.env_file, _ENV)
    _write(folder / ".gitignore", _IGNORED)
    _write(home.jobs_toml, _JOBS)
    _write(home.connectors_toml, _CONNECTORS)
    _write(home.app_toml, _APP.format(canary=vault.make_canary()))


def _write(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
