"""Broken files: where the mark ◀ stands, a problem is expected."""

from dataclasses import dataclass

MARK = "◀"


@dataclass(frozen=True)
class Variant:
    """A text with one mark, and the problem that names its line.

    `message` is a fragment of what the problem says. `job` and `step` are None where it names
    none.
    """

    title: str
    marked: str
    field: str | None
    message: str
    job: str | None = None
    step: str | None = None

    @property
    def text(self) -> str:
        return self.marked.replace(MARK, "")

    @property
    def line(self) -> int:
        return self.marked[: self.marked.index(MARK)].count("\n") + 1

    def __str__(self) -> str:
        return self.title


def in_job(title: str, body: str, field: str | None, message: str) -> Variant:
    """Lines of a job beside its id and its one step."""
    text = f'[[jobs]]\nid = "sick"\n{body}\n{STEP}'
    return Variant(title, text, field, message, job="sick")


def in_step(title: str, body: str, field: str | None, message: str) -> Variant:
    """Lines of a step beside its name."""
    text = f'[[jobs]]\nid = "sick"\n[[jobs.steps]]\nname = "first"\n{body}\n'
    return Variant(title, text, field, message, job="sick", step="first")


STEP = """[[jobs.steps]]
name = "first"
type = "sql_query"
connector = "default"
query = "SELECT 1"
"""
QUERY = 'type = "sql_query"\nconnector = "default"\nquery = "SELECT 1"\n'
COPY = 'type = "sql_copy"\ntarget = { connector = "default", table = "t" }\n'


def declared(title: str, body: str, field: str | None, message: str) -> Variant:
    """Lines of the declaration of a parameter `p`; `field` counts from there."""
    field = ".".join(filter(None, ("params_schema.p", field)))
    return in_job(title, f"[jobs.params_schema.p]\n{body}", field, message)


def valued(title: str, declaration: str, value: str, message: str) -> Variant:
    """A value of the job's own params for a declared parameter `p`."""
    body = f"params = {{ p = {value} }} ◀\nparams_schema = {{ p = {declaration} }}"
    return in_job(title, body, "params.p", message)


PARAMETERS = [
    declared("parameter of no type", 'type = "int" ◀', "type", "'integer'"),
    declared("parameter with a stray key", "maximum = 3 ◀", "maximum", "unknown key"),
    in_job(
        "parameter that is no table", "params_schema = { p = 1 } ◀", "params_schema.p", "a table"
    ),
    in_job("schema that is no table", "params_schema = 1 ◀", "params_schema", "expected a table"),
    in_job(
        "choice without choices",
        'params_schema = { p = { type = "choice" } } ◀',
        "params_schema.p.choices",
        "a choice needs them",
    ),
    declared("empty choices", 'type = "choice"\nchoices = [] ◀', "choices", "at least 1"),
    declared(
        "choice of another type", 'type = "date"\nchoices = ["x"] ◀', "choices.0", "type date"
    ),
    declared(
        "choices of an unknown connector",
        'choices = { connector = "nowhere", query = "SELECT 1" } ◀',
        "choices.connector",
        "unknown connector 'nowhere'",
    ),
    declared("bounds of a switch", 'type = "boolean"\nmin = 1 ◀', "min", "has no bounds"),
    declared("bound of another type", 'type = "integer"\nmin = 1.5 ◀', "min", "type integer"),
    declared(
        "bounds the wrong way",
        'type = "date"\nmin = 2026-02-01\nmax = 2026-01-01 ◀',
        "max",
        "at least 2026-02-01",
    ),
    declared("length that is none", "max = -1 ◀", "max", "expected a length"),
    declared("pattern that is none", 'pattern = "[" ◀', "pattern", "a regular expression"),
    declared("pattern of a number", 'type = "integer"\npattern = "1" ◀', "pattern", "only a text"),
    declared("secret number", 'type = "integer"\nsecret = true ◀', "secret", "only a text"),
    declared("items of a text", 'items = "integer" ◀', "items", "only a list"),
    valued("number for a text", "{ }", "1", "expected text"),
    valued("text for a number", '{ type = "integer" }', '"7"', "expected a whole number"),
    valued("switch for a number", '{ type = "number" }', "true", "expected a number"),
    valued("day that does not exist", '{ type = "date" }', '"2026-02-30"', "a date that exists"),
    valued("too great", '{ type = "integer", max = 5 }', "6", "expected at most 5"),
    valued("too short", "{ min = 2 }", '"x"', "expected at least 2 characters"),
    valued("too many", '{ type = "list", max = 1 }', '["a", "b"]', "expected at most 1 items"),
    valued("no match", '{ pattern = "[A-Z]{2}" }', '"EUR"', "fits the pattern [A-Z]{2}"),
    valued("no choice", '{ type = "choice", choices = ["a", "b"] }', '"c"', "one of: a, b"),
    valued("plain secret", "{ secret = true }", '"hunter22"', "plain text is refused"),
    in_job(
        "schedule without what is required",
        'schedule = "@daily"\nparams_schema = { p = { required = true } } ◀',
        "params_schema.p.required",
        "a scheduled run has no value",
    ),
    in_job(
        "preset that does not fit",
        'params_schema = { p = { type = "integer" } }\n'
        'presets = [{ name = "x", params = { p = "1" } }] ◀',
        "presets.0.params.p",
        "expected a whole number",
    ),
]

JOB_FIELDS = [
    in_job("unknown key", 'schedul = "0 2 * * *" ◀', "schedul", "did you mean 'schedule'?"),
    in_job("unknown key like no other", "zzz = 1 ◀", "zzz", "expected one of: after,"),
    in_job("bad cron", 'schedule = "61 * * * *" ◀', "schedule", "0-59"),
    in_job("cron that never fires", 'schedule = "0 0 31 2 *" ◀', "schedule", "never"),
    in_job("cron with too few fields", 'schedule = "0 2" ◀', "schedule", "Expected"),
    in_job("bad interval", 'interval = "15 minutes" ◀', "interval", "'15m'"),
    in_job("interval of nothing", 'interval = "0s" ◀', "interval", "at least one second"),
    in_job(
        "schedule and interval",
        'schedule = "@daily"\ninterval = "1d" ◀',
        "interval",
        "a schedule or an interval",
    ),
    in_job(
        "bad anchor",
        'interval = "1d"\ninterval_anchor = "tomorrow" ◀',
        "interval_anchor",
        "ISO 8601",
    ),
    in_job("unknown zone", 'timezone = "Europe/Pari" ◀', "timezone", "IANA time zone"),
    in_job("text for a truth value", 'enabled = "yes" ◀', "enabled", "true or false, found text"),
    in_job("number for a truth value", "enabled = 1 ◀", "enabled", "true or false"),
    in_job(
        "number for text", "description = 12 ◀", "description", "text in quotes, found a number"
    ),
    in_job("text for a list", 'tags = "nightly" ◀', "tags", "expected a list"),
    in_job("a tag that is no text", 'tags = ["a", 2] ◀', "tags.1", "expected text in quotes"),
    in_job("text for a number", 'timeout_seconds = "60" ◀', "timeout_seconds", "expected a number"),
    in_job("time-out of nothing", "timeout_seconds = 0 ◀", "timeout_seconds", "more than 0"),
    in_job(
        "unknown log level", 'log_level = "LOUD" ◀', "log_level", "'DEBUG', 'INFO' or 'WARNING'"
    ),
    in_job("unknown overlap", 'overlap = "alow" ◀', "overlap", "did you mean 'allow'?"),
    in_job("params that are no table", "params = [1] ◀", "params", "expected a table"),
    in_job(
        "a param that refers to another",
        'params = { a = 1, b = "${kw:a}" } ◀',
        "params.b",
        "${kw:a} has no value yet",
    ),
    in_job(
        "a param that refers to a step",
        'params = { b = "${out:first.rows}" } ◀',
        "params.b",
        "has no value yet",
    ),
    in_job("retry of nothing", "retry = { attempts = 0 } ◀", "retry.attempts", "at least 1"),
    in_job(
        "unknown key of retry",
        "retry = { attempt = 3 } ◀",
        "retry.attempt",
        "did you mean 'attempts'?",
    ),
    in_job(
        "unknown backoff",
        'retry = { backoff = "exponentially" } ◀',
        "retry.backoff",
        "did you mean 'exponential'?",
    ),
    in_job("retry that is no table", "retry = 3 ◀", "retry", "expected a table"),
    in_job("unknown calendar", 'calendar = "france" ◀', "calendar", "unknown calendar 'france'"),
    in_job("unknown way out", 'on_excluded = "shift" ◀', "on_excluded", "'next_workday'"),
    in_job("start that is no instant", 'start_at = "soon" ◀', "start_at", "datetime"),
    in_job(
        "end before the start",
        "start_at = 2026-01-02T00:00:00\nend_at = 2026-01-01T00:00:00 ◀",
        "end_at",
        "before start_at",
    ),
    in_job("unknown misfire", 'misfire = "once" ◀', "misfire", "'skip', 'last' or 'all'"),
    in_job(
        "misfire grace of nothing", 'misfire_grace = "soon" ◀', "misfire_grace", "such as '90s'"
    ),
    in_job("after nobody", 'after = [{ job = "a" }] ◀', "after.0.job", "unknown job 'a'"),
    in_job("after itself", 'after = [{ job = "sick" }] ◀', "after.0.job", "'sick' → 'sick'"),
    in_job(
        "after twice",
        'after = [{ job = "healthy" }, { job = "healthy" }] ◀',
        "after.1.job",
        "named twice",
    ),
    in_job(
        "after an odd end",
        'after = [{ job = "healthy", on = "end" }] ◀',
        "after.0.on",
        "'success', 'failure' or 'finish'",
    ),
    in_job(
        "preset on a bad schedule",
        'presets = [{ name = "eu", schedule = "61 * * * *" }] ◀',
        "presets.0.schedule",
        "0-59",
    ),
    in_job(
        "preset for a step that is not there",
        'presets = [{ name = "eu", step_enabled = { frist = false } }] ◀',
        "presets.0.step_enabled.frist",
        "did you mean 'first'?",
    ),
    in_job(
        "two presets of a name",
        'presets = [{ name = "eu" }, { name = "eu" }] ◀',
        "presets.1.name",
        "used twice",
    ),
    in_job("unknown limit", 'limits = ["erp"] ◀', "limits.0", "unknown limit 'erp'"),
    in_job("alerts", 'alerts = { channels = ["ops"] } ◀', "alerts", "not available"),
    in_job(
        "unknown default of the steps",
        "step_defaults = { timeout = 5 } ◀",
        "step_defaults.timeout",
        "did you mean 'timeout_seconds'?",
    ),
    in_job(
        "defaults that are no table", "step_defaults = 5 ◀", "step_defaults", "expected a table"
    ),
    Variant(
        "no steps",
        '[[jobs]] ◀\nid = "sick"\n',
        "steps",
        "at least one [[jobs.steps]]",
        job="sick",
    ),
    Variant("no id", f"[[jobs]] ◀\n{STEP}", "id", "required", job="#2"),
    Variant("an id with blanks", f'[[jobs]]\nid = "a b" ◀\n{STEP}', "id", "letters", job="a b"),
    Variant("an id that is a number", f"[[jobs]]\nid = 7 ◀\n{STEP}", "id", "text", job="#2"),
    Variant(
        "an id used twice",
        f'[[jobs]]\nid = "healthy" ◀\n{STEP}',
        "id",
        "used twice",
        job="healthy",
    ),
    Variant(
        "a job that is less than its step",
        f'[[jobs]]\nid = "sick"\ntimeout_seconds = 60 ◀\n{STEP}timeout_seconds = 600\n',
        "timeout_seconds",
        "expected at least its 600 s",
        job="sick",
    ),
]

STEP_FIELDS = [
    in_step("unknown type", 'type = "sql_qery" ◀', "type", "did you mean 'sql_query'?"),
    in_step("type that is no text", "type = 3 ◀", "type", "expected text"),
    in_step("unknown key", f"{QUERY}qurey = 1 ◀", "qurey", "did you mean 'query'?"),
    in_step("a text of another form", f'{QUERY}code = "a.b" ◀', "code", "a pair, as left:right"),
    in_step("half a condition", f'{QUERY}when = "1 >" ◀', "when", "end of the text at character 4"),
    in_step(
        "condition on nothing", f'{QUERY}when = "param.n > 1" ◀', "when", "did you mean 'params'"
    ),
    in_step(
        "condition on a later step",
        f"{QUERY}when = 'steps[\"later\"].output.n > 1' ◀",
        "when",
        "names no earlier step",
    ),
    in_step("unknown function", f'{QUERY}when = "siz([]) > 1" ◀', "when", "did you mean 'size'?"),
    in_step("text for a number", f'{QUERY}limit = "ten" ◀', "limit", "whole number, found text"),
    in_step("half a number", f"{QUERY}limit = 1.5 ◀", "limit", "whole number"),
    in_step(
        "text for a truth value",
        f'{QUERY}capture_first_row = "true" ◀',
        "capture_first_row",
        "true or false",
    ),
    in_step(
        "time-out below nothing", f"{QUERY}timeout_seconds = -1 ◀", "timeout_seconds", "more than"
    ),
    in_step("bad retry", f"{QUERY}retry = {{ jitter = 2 }} ◀", "retry.jitter", "at most 1"),
    in_step(
        "unknown connector",
        'type = "sql_query"\nconnector = "defalt" ◀\nquery = "SELECT 1"',
        "connector",
        "(there are: default); did you mean 'default'?",
    ),
    in_step(
        "unknown connector further in",
        f'{COPY}source = {{ connector = "erp", table = "t" }} ◀',
        "source.connector",
        "unknown connector 'erp'",
    ),
    in_step("unknown mode", f'{COPY}mode = "merge" ◀', "mode", "'overwrite', 'append' or 'upsert'"),
    in_step("batch of nothing", f"{COPY}batch_size = 0 ◀", "batch_size", "at least 1"),
    in_step(
        "unknown key further in",
        f'{COPY}source = {{ connector = "default", tabel = "t" }} ◀',
        "source.tabel",
        "did you mean 'table'?",
    ),
    in_step(
        "table and query",
        f'{COPY}source = {{ connector = "default", table = "t", query = "q" }} ◀',
        "source",
        "a table or a query",
    ),
    in_step("neither of two types", f"{COPY}retries = true ◀", "retries", "whole number"),
    in_step(
        "token of an unknown kind",
        f'{QUERY}params = {{ a = "${{region}}" }} ◀',
        "params.a",
        "expected ${env:VAR}",
    ),
    in_step(
        "token that is not closed",
        f'{QUERY}params = {{ a = "${{kw:region" }} ◀',
        "params.a",
        "not closed",
    ),
    in_step(
        "our own variable",
        f'{QUERY}params = {{ a = "${{env:NOMAFLOW_MASTER_KEY}}" }} ◀',
        "params.a",
        "begin with NOMAFLOW_",
    ),
    in_step(
        "unknown fact",
        f'{QUERY}params = {{ a = "${{ctx:runid}}" }} ◀',
        "params.a",
        "did you mean 'run_id'?",
    ),
    in_step(
        "output of no step",
        f'{QUERY}params = {{ a = ["${{out:later.rows}}"] }} ◀',
        "params.a.0",
        "names no earlier step",
    ),
    in_step(
        "password in plain text",
        'type = "ldap_sync"\nbind_password = "hunter2" ◀',
        "bind_password",
        "nomaflow secrets encrypt",
    ),
    Variant(
        "no type",
        '[[jobs]]\nid = "sick"\n[[jobs.steps]] ◀\nname = "first"\n',
        "type",
        "required",
        job="sick",
        step="first",
    ),
    Variant(
        "no name",
        f'[[jobs]]\nid = "sick"\n[[jobs.steps]] ◀\n{QUERY}',
        "name",
        "required",
        job="sick",
        step="#1",
    ),
    Variant(
        "no query",
        '[[jobs]]\nid = "sick"\n[[jobs.steps]] ◀\nname = "a"\ntype = "sql_query"\n',
        "query",
        "required: expected the SQL statement",
        job="sick",
        step="a",
    ),
    Variant(
        "no connector",
        '[[jobs]]\nid = "sick"\n[[jobs.steps]] ◀\nname = "a"\ntype = "sql_query"\nquery = "q"\n',
        "connector",
        "required",
        job="sick",
        step="a",
    ),
    Variant(
        "a name used twice",
        f'[[jobs]]\nid = "sick"\n{STEP}{STEP.replace("name = ", "◀name = ")}',
        "name",
        "used twice",
        job="sick",
        step="first",
    ),
    Variant(
        "a bad default",
        f'[[jobs]]\nid = "sick"\nstep_defaults = {{ timeout_seconds = "5" }} ◀\n{STEP}',
        "timeout_seconds",
        "expected a number",
        job="sick",
        step="first",
    ),
    Variant(
        "steps that are no list",
        '[[jobs]]\nid = "sick"\nsteps = "first" ◀\n',
        "steps",
        "[[jobs.steps]]",
        job="sick",
    ),
]

SYNTAX = [
    in_job("a value is missing", "schedule = ◀", "schedule", "expected a value"),
    in_job("an open quote", 'schedule = "0 2 * * * ◀', "schedule", "not closed"),
    in_job("no equals sign", 'schedule "0 2 * * *" ◀', "schedule", "'key = value'"),
    in_job("an open list", 'tags = ["a", ◀\nowner = "me"', "tags", "the list is not closed"),
    in_job("an open list at the end", 'owner = "me"\ntags = ["a" ◀', "tags", "list is not closed"),
    in_job("an open list of lines", 'tags = [ ◀\n"a",\n"b",\n', "tags", "the list is not closed"),
    in_job("no comma in a list", 'tags = [\n"a"\n"b" ◀\n]', "tags", "expected ','"),
    in_job("a header for a value", "[jobs.params ◀\na = 1", None, "the header is not closed"),
    in_job("two values", 'schedule = "a" "b" ◀', "schedule", "end of the line"),
    in_job("a bare word", "enabled = yes ◀", "enabled", "true, false"),
    in_job("a key twice", 'owner = "a"\nowner = "b" ◀', "owner", "each key once"),
    in_job("curly quotes", "owner = “me” ◀", "owner", "expected a value"),
    in_job("an open table", "retry = { attempts = 3 ◀", "retry", "not closed"),
    in_job("a backslash", 'owner = "C:\\path" ◀', "owner", "single quotes"),
    in_job("a day that is none", "owner = 2026-02-30 ◀", "owner", "a date that exists"),
    in_job("text that never ends", 'runbook = """ ◀\nCall us.', "runbook", "not closed"),
    Variant(
        "an open quote in a step",
        '[[jobs]]\nid = "sick"\n[[jobs.steps]]\nname = "first"\ntype = "sql_query ◀\n',
        "type",
        "not closed",
        job="sick",
        step="first",
    ),
    Variant(
        "a header half closed", f'[[jobs] ◀\nid = "sick"\n{STEP}', None, "[[jobs]]", job="sick"
    ),
    Variant("a header of a table", f'[jobs] ◀\nid = "sick"\n{STEP}', None, "[[jobs]]", job="sick"),
    Variant("a header without id", "[[jobs]]\n= 3 ◀\n", None, "'key = value'", job="#2"),
]

CONNECTORS = [
    Variant(
        "unknown key of a pool",
        '[pools.erp]\nurl = "sqlite:///a.db"\npasword = "x" ◀\n',
        "pools.erp.pasword",
        "did you mean 'password'?",
    ),
    Variant("no url", "[pools.erp] ◀\nsize = 3\n", "pools.erp.url", "required"),
    Variant("no URL", '[pools.erp]\nurl = "erp" ◀\n', "pools.erp.url", "expected a database URL"),
    Variant(
        "unknown dialect",
        '[pools.erp]\nurl = "db2://erp" ◀\n',
        "pools.erp.url",
        "Installed:",
    ),
    Variant(
        "password in the URL",
        '[pools.erp]\nurl = "postgresql://me:hunter2@db/erp" ◀\n',
        "pools.erp.url",
        "nomaflow secrets encrypt",
    ),
    Variant(
        "password in plain text",
        '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "hunter2" ◀\n',
        "pools.erp.password",
        "nomaflow secrets encrypt",
    ),
    Variant(
        "password beside a token",
        '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "x${env:A}" ◀\n',
        "pools.erp.password",
        "one ${env:VAR} token",
    ),
    Variant(
        "password as a default",
        '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "${env:PW:-hunter2}" ◀\n',
        "pools.erp.password",
        "one ${env:VAR} token",
    ),
    Variant(
        "password that looks like a token",
        '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "${hunter2}" ◀\n',
        "pools.erp.password",
        "one ${env:VAR} token",
    ),
    Variant(
        "our own variable for a password",
        '[pools.erp]\nurl = "postgresql://me@db/erp"\npassword = "${env:NOMAFLOW_TOKEN}" ◀\n',
        "pools.erp.password",
        "begin with NOMAFLOW_",
    ),
    Variant(
        "our own variable",
        '[pools.erp]\nurl = "postgresql://${env:NOMAFLOW_TOKEN}@db/erp" ◀\n',
        "pools.erp.url",
        "begin with NOMAFLOW_",
    ),
    Variant(
        "parameter in a pool",
        '[pools.erp]\nurl = "postgresql://${kw:user}@db/erp" ◀\n',
        "pools.erp.url",
        "expected ${env:VAR}",
    ),
    Variant(
        "size of nothing",
        '[pools.erp]\nurl = "sqlite:///a.db"\nsize = 0 ◀\n',
        "pools.erp.size",
        "at least 1",
    ),
    Variant("no type", '[connectors.erp] ◀\npool = "default"\n', "connectors.erp.type", '"sql"'),
    Variant(
        "unknown type",
        '[connectors.erp]\ntype = "sgl" ◀\npool = "default"\n',
        "connectors.erp.type",
        "did you mean 'sql'?",
    ),
    Variant("no pool", '[connectors.erp] ◀\ntype = "sql"\n', "connectors.erp.pool", "required"),
    Variant(
        "unknown pool",
        '[connectors.erp]\ntype = "sql"\npool = "defautl" ◀\n',
        "connectors.erp.pool",
        "did you mean 'default'?",
    ),
    Variant(
        "unknown key of a connector",
        '[connectors.erp]\ntype = "sql"\npool = "default"\nquerys = 1 ◀\n',
        "connectors.erp.querys",
        "did you mean 'queries'?",
    ),
    Variant(
        "unknown key of a query",
        '[connectors.erp]\ntype = "sql"\npool = "default"\n'
        '[connectors.erp.queries.all]\nsql = "q"\nsqll = 1 ◀\n',
        "connectors.erp.queries.all.sqll",
        "did you mean 'sql'?",
    ),
    Variant(
        "a query without SQL",
        '[connectors.erp]\ntype = "sql"\npool = "default"\n[connectors.erp.queries.all] ◀\n',
        "connectors.erp.queries.all.sql",
        "required",
    ),
    Variant(
        "the store on another pool",
        '[pools.erp]\nurl = "sqlite:///a.db"\n[connectors.default]\ntype = "sql"\npool = "erp" ◀\n',
        "connectors.default.pool",
        'pool = "default"',
    ),
    Variant("unknown table", "[pool.erp] ◀\nsize = 1\n", "pool", "did you mean 'pools'?"),
    Variant("pools that are no table", "pools = 3 ◀\n", "pools", "[pools.NAME]"),
    Variant("a pool that is no table", "[pools]\nerp = 3 ◀\n", "pools.erp", "[pools.erp]"),
    Variant(
        "an open quote",
        '[pools.erp]\nurl = "sqlite:///a.db ◀\n',
        "pools.erp.url",
        "not closed",
    ),
    Variant("an open header", '[pools.erp ◀\nurl = "sqlite:///a.db"\n', "pools.erp", "header"),
    Variant(
        "a pool twice",
        '[pools.erp]\nurl = "sqlite:///a.db"\n[pools.erp] ◀\nurl = "sqlite:///b.db"\n',
        "pools.erp",
        "each table once",
    ),
]

APP = [
    Variant("unknown table", "[servers] ◀\nport = 1\n", "servers", "did you mean 'server'?"),
    Variant("unknown key", "[server]\nprot = 1 ◀\n", "server.prot", "did you mean 'port'?"),
    Variant("text for a port", '[server]\nport = "8055" ◀\n', "server.port", "whole number"),
    Variant("no such port", "[server]\nport = 70000 ◀\n", "server.port", "at most 65535"),
    Variant("unknown zone", '[scheduler]\ntimezone = "Paris" ◀\n', "scheduler.timezone", "IANA"),
    Variant("unknown level", '[log]\nlevel = "LOUD" ◀\n', "log.level", "expected 'DEBUG'"),
    Variant("a table of a later version", "[channels.ops] ◀\n", "channels", "not available"),
    Variant("a limit of nothing", "[limits]\nerp = 0 ◀\n", "limits.erp", "at least 1"),
    Variant(
        "unknown country",
        '[calendars.fr]\ncountry = "Frankreich" ◀\n',
        "calendars.fr.country",
        "'FR'",
    ),
    Variant(
        "a day that is none", '[calendars.fr]\ndates = ["soon"] ◀\n', "calendars.fr.dates.0", "date"
    ),
    Variant("a section that is no table", "server = 3 ◀\n", "server", "expected a table"),
    Variant("no TOML", "[server ◀\nport = 1\n", None, "not closed"),
]
