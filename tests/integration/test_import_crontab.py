"""`nomaflow import crontab`: lines become jobs that run as under cron, and nothing is lost."""

import getpass
from pathlib import Path

import pytest
from tests.commands import nomaflow
from tests.homes import a_home, a_query_job

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.catalogue.transfer.crontab import Entry, LeftOut, read_crontab
from nomaflow.catalogue.transfer.crontab_jobs import jobs_from

CRONTAB = """\
# of no line

PATH=/usr/local/bin:/usr/bin:/bin
MAILTO = ops@example.com
CRON_TZ=Europe/Paris
DB_PASSWORD="s3cret\\"s3cret"
GREETING='hello ${NAME}'

# Nightly backup
# of everything
0 2 * * *\t/usr/local/bin/backup.sh --all ${HOME} "50 \\%"
# 5 5 * * * /bin/old
*/15 8-17 * * mon-fri cat%first%second
@daily echo "$GREETING"; test "$DB_PASSWORD" && echo "known: $DB_PASSWORD"; exit 3
@reboot /bin/x
61 * * * * /bin/bad
* * * * *
nonsense
"""


def entries(text: str, *, user_column: bool = False) -> list[Entry]:
    lines = read_crontab(text, user_column=user_column)
    return [line for line in lines if isinstance(line, Entry)]


def test_a_crontab_is_read_as_cron_reads_it() -> None:
    backup, cat, daily = entries(CRONTAB)
    assert backup.schedule == "0 2 * * *"
    assert backup.command == '/usr/local/bin/backup.sh --all ${HOME} "50 %"'
    assert backup.comment == "Nightly backup of everything"
    assert backup.variables["GREETING"] == "hello ${NAME}"
    assert (cat.command, cat.stdin, cat.comment) == ("cat", "first\nsecond\n", None)
    assert (daily.schedule, daily.stdin) == ("@daily", None)


def test_what_cannot_be_carried_is_said_with_its_reason() -> None:
    left_out = [line for line in read_crontab(CRONTAB) if isinstance(line, LeftOut)]
    reasons = {line.text.split()[0]: line.reason for line in left_out}
    assert "ops@example.com" not in str(left_out)
    assert "alerts" in reasons["MAILTO=…"]
    assert "systemd" in reasons["@reboot"]
    assert "minute '61'" in reasons["61"]
    assert "no command" in reasons["*"]
    assert "five fields" in reasons["nonsense"]


def test_variables_hold_from_their_line_on() -> None:
    first, second = entries("A=1\n* * * * * x\nA=2\n* * * * * y\n")
    assert (first.variables, second.variables) == ({"A": "1"}, {"A": "2"})


@pytest.mark.parametrize(
    ("command", "job_id"),
    [
        ("/usr/local/bin/backup.sh --all", "backup"),
        ("cd /srv && nice -n 10 python3 /srv/tools/report.py > /dev/null", "report"),
        ("[ -x /bin/x ] && /bin/x", "x"),
        ("A=1 B=2 php -q /var/www/cron.php", "cron"),
        ("...", "cron"),
    ],
)
def test_a_job_is_named_after_its_program(command: str, job_id: str) -> None:
    (job,) = jobs_from([Entry(1, "@daily", command)], (), "ann")
    assert job.id == job_id


def test_names_that_are_taken_are_counted_on() -> None:
    jobs = jobs_from([Entry(1, "@daily", "/bin/x"), Entry(2, "@daily", "/bin/x")], {"x"}, "ann")
    assert [job.id for job in jobs] == ["x-2", "x-3"]


def test_a_line_of_another_user_is_carried_but_not_switched_on() -> None:
    user = getpass.getuser()
    mine, other = entries(f"1 * * * * {user} /bin/a\n2 * * * * nobody2 /bin/b", user_column=True)
    assert (mine.user, mine.command) == (user, "/bin/a")
    ours, theirs = jobs_from([mine, other], (), user)
    assert (ours.enabled, theirs.enabled) == (True, False)
    assert "enabled = false" in theirs.as_toml()
    assert "nobody2" in theirs.notes[0]


@pytest.mark.parametrize(
    ("line", "user_column", "word", "advice"),
    [
        ("0 2 * * * root /usr/bin/backup --all", False, "'root'", "with --user-column"),
        ("@daily\troot\tcd / && run-parts /etc/x", False, "'root'", "with --user-column"),
        ("0 2 * * * /usr/bin/backup --all", True, "'/usr/bin/backup'", "without --user-column"),
    ],
)
def test_a_line_of_the_other_kind_of_crontab_makes_no_job(
    line: str, user_column: bool, word: str, advice: str
) -> None:
    (left_out,) = read_crontab(f"# 5 5 * * * root /bin/old\n\n{line}\n", user_column=user_column)
    assert isinstance(left_out, LeftOut)
    assert left_out.line == 3
    assert word in left_out.reason
    assert advice in left_out.reason


def test_a_program_that_bears_the_name_of_a_user_is_a_program() -> None:
    assert [entry.command for entry in entries("@daily root\n")] == ["root"]


def test_a_secret_in_a_command_is_pointed_at() -> None:
    (job,) = jobs_from([Entry(1, "@daily", "mysqldump --password=hunter2 db")], (), "ann")
    assert "hold a secret" in job.notes[0]


def test_without_apply_nothing_is_written(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", a_query_job("backup", "SELECT 1"))
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    ended = nomaflow("import", "crontab", "--home", home, stdin=CRONTAB)
    assert ended.code == 0, ended.err
    assert 'id = "backup-2"' in ended.out
    assert "every day at 02:00" in ended.err
    assert "Left out: line 15, @reboot" in ended.err
    assert "s3cret" not in ended.out + ended.err
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_applied_jobs_run_as_under_cron_and_are_not_added_twice(tmp_path: Path) -> None:
    home = a_home(tmp_path / "home", "# mine\n" + a_query_job("backup", "SELECT 1"))
    file = tmp_path / "crontab"
    file.write_text(CRONTAB)
    applied = nomaflow("import", "crontab", file, "--apply", "--home", home)
    assert applied.code == 0, applied.err
    catalogue = load(Home(home))
    assert catalogue.problems == ()
    assert list(catalogue.jobs) == ["backup", "backup-2", "cat", "echo"]
    assert catalogue.texts["jobs.toml"].startswith("# mine\n")
    assert "s3cret" not in catalogue.texts["jobs.toml"]
    assert (home / ".env").stat().st_mode & 0o777 == 0o600
    cat = nomaflow("run", "cat", "--home", home, "--wait", "--json").json
    assert cat["steps"][0]["output"] == {"exit_code": 0, "lines": 2}
    echo = nomaflow("run", "echo", "--home", home, "--wait", "--json")
    assert echo.code == 1
    (step,) = echo.json["steps"]
    assert "ended with exit code 3" in step["error"]["message"]
    log = nomaflow("logs", str(echo.json["run_id"]), "--home", home).out
    assert "hello ${NAME}" in log
    assert "known: ***" in log
    again = nomaflow("import", "crontab", file, "--apply", "--home", home, "--json").json
    assert again["jobs"] == []
    assert "as job 'cat'" in str(again["left_out"])
