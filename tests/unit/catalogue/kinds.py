"""Small step and connector types that the catalogue's tests load with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from nomaflow.catalogue.home import Home
from nomaflow.catalogue.load import load
from nomaflow.catalogue.model import Catalogue
from nomaflow.connectors.base import Connector, ConnectorSettings, EngineLookup
from nomaflow.domain.definition import Definition
from nomaflow.steps.base import HostKind, StepSpec
from nomaflow.steps.context import StepContext

SqlConnectorName = Annotated[str, Field(json_schema_extra={"x-connector": "sql"})]


class Query(StepSpec):
    connector: SqlConnectorName
    code: Annotated[str, Field(pattern="^[a-z]+:[a-z]+$", description="A pair, as left:right.")] = (
        "a:b"
    )
    query: Annotated[str, Field(description="The SQL statement.")]
    params: Mapping[str, Any] = Field(default_factory=dict)
    limit: int = 0
    capture_first_row: bool = False


class TableOrQuery(Definition):
    connector: SqlConnectorName
    schema_: str | None = Field(None, alias="schema")
    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "TableOrQuery":
        if (self.table is None) == (self.query is None):
            raise ValueError("expected a table or a query")
        return self


class Copy(StepSpec):
    source: TableOrQuery
    target: TableOrQuery
    mode: Literal["overwrite", "append", "upsert"] = "overwrite"
    batch_size: Annotated[int, Field(ge=1)] = 10_000
    api_token: Annotated[str, Field(max_length=8)] = ""
    retries: int | Literal["many"] = 1


class QueryStep:
    name: ClassVar[str] = "sql_query"
    title: ClassVar[str] = "Query"
    host: ClassVar[HostKind] = "thread"
    params_field: ClassVar[str | None] = "params"
    literal_fields: ClassVar[frozenset[str]] = frozenset({"query"})
    Spec = Query

    def run(self, spec: Query, ctx: StepContext) -> Mapping[str, Any]:
        return {}


class CopyStep:
    name: ClassVar[str] = "sql_copy"
    title: ClassVar[str] = "Copy"
    host: ClassVar[HostKind] = "process"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset({"source.query"})
    Spec = Copy

    def run(self, spec: Copy, ctx: StepContext) -> Mapping[str, Any]:
        return {}


class Named(Definition):
    sql: str


class SqlBlock(Definition):
    pool: str
    queries: Mapping[str, Named] = Field(default_factory=dict)


class FileBlock(Definition):
    folder: str
    depth: int = 1


class SqlKind:
    name: ClassVar[str] = "sql"
    Definition = SqlBlock

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> Connector:
        raise NotImplementedError


class FileKind:
    name: ClassVar[str] = "files"
    Definition = FileBlock

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> Connector:
        raise NotImplementedError


STEP_TYPES = {"sql_query": QueryStep(), "sql_copy": CopyStep()}
CONNECTOR_TYPES = {"sql": SqlKind(), "files": FileKind()}

HEALTHY_JOB = """
[[jobs]]
id = "healthy"
[[jobs.steps]]
name = "ask"
type = "sql_query"
connector = "default"
query = "SELECT 1"
"""


def load_texts(folder: Path, *, jobs: str = "", connectors: str = "", app: str = "") -> Catalogue:
    """The catalogue of a home with these files."""
    home = Home(folder)
    home.jobs_toml.write_text(jobs, encoding="utf-8")
    home.connectors_toml.write_text(connectors, encoding="utf-8")
    home.app_toml.write_text(app, encoding="utf-8")
    return load(home, STEP_TYPES, CONNECTOR_TYPES)
