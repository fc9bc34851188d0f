"""The step type `ldap_sync`: a table follows a directory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, ValidationError, model_validator

from nomaflow.connectors.ldap.connector import LdapConnector, LdapDefinition
from nomaflow.connectors.ldap.failures import CutShort
from nomaflow.connectors.ldap.search import Entry, Search, plain
from nomaflow.connectors.mirrors import Mirror
from nomaflow.connectors.sql import NamedQuery, SqlConnector
from nomaflow.connectors.statement import parse
from nomaflow.connectors.tables import TableName
from nomaflow.copying.progress import grouped
from nomaflow.copying.side import Side
from nomaflow.domain.secrets import SecretText
from nomaflow.errors import StepFailed, StepRefused
from nomaflow.mirroring.destination import (
    Destination,
    QueryDestination,
    TableDestination,
    found_table,
    refuse_unfit,
)
from nomaflow.mirroring.guard import Guard
from nomaflow.mirroring.mirror import Mirroring, Order
from nomaflow.mirroring.rows import Reading, RowMaker
from nomaflow.mirroring.since import narrowed, since
from nomaflow.mirroring.sources import Sources, named_sources, query_sources
from nomaflow.steps.base import HostKind, Output, StepSpec
from nomaflow.steps.context import StepContext

Name = Annotated[str, Field(min_length=1)]
OneValue = Literal["first", "join"]


class LdapSyncSpec(StepSpec):
    """Fields of an `ldap_sync` step."""

    connector: Annotated[
        str | None,
        Field(
            description="An LDAP connector, instead of server, bind_dn and bind_password.",
            json_schema_extra={"x-connector": "ldap"},
        ),
    ] = None
    server: Annotated[
        str | None,
        Field(
            pattern=r"^ldaps?://[^/\s]+/?$",
            description="The server, as ldaps://host or ldap://host:port.",
        ),
    ] = None
    bind_dn: Annotated[Name | None, Field(description="Who signs in.")] = None
    bind_password: Annotated[
        SecretText | None, Field(description="A sealed value or one ${env:VAR} token.")
    ] = None
    start_tls: Annotated[
        bool, Field(description="Encrypt an ldap:// connection before the login.")
    ] = False
    ca_file: Annotated[
        str | None,
        Field(description="Absolute path of certificates to trust instead of the system's."),
    ] = None
    search_base: Annotated[Name, Field(description="The DN below which entries are searched.")]
    search_filter: Annotated[
        str, Field(min_length=1, description="Which entries, as an LDAP filter.")
    ] = "(objectClass=*)"
    search_scope: Annotated[
        Literal["base", "one", "subtree"], Field(description="How deep below search_base.")
    ] = "subtree"
    attributes: Annotated[
        tuple[Name, ...],
        Field(description="Attributes to fetch; empty: those that the target has names for."),
    ] = ()
    page_size: Annotated[
        int,
        Field(ge=0, le=100_000, description="Entries in a page; 0: all at once, without paging."),
    ] = 1000
    referrals: Annotated[
        Literal["fail", "ignore"],
        Field(description="What references to other servers mean: a search that is not complete."),
    ] = "fail"
    changed_since: Annotated[
        Name | None,
        Field(
            description="An attribute such as modifyTimestamp or whenChanged: only entries since "
            "the greatest value in its column of target_table are fetched."
        ),
    ] = None
    multi_valued: Annotated[
        OneValue | Mapping[str, Literal["first", "join", "rows"]],
        Field(
            description="Of several values take the first, join all, or (by attribute) make a "
            "row of each."
        ),
    ] = "first"
    separator: Annotated[str, Field(description="Between joined values.")] = ";"
    binary: Annotated[
        tuple[Name, ...], Field(description="Further attributes whose values are bytes.")
    ] = ()
    target_connector: Annotated[
        str,
        Field(
            description="The SQL connector to sync into.", json_schema_extra={"x-connector": "sql"}
        ),
    ]
    target_query: Annotated[
        Name | None,
        Field(
            description="A named query of it, executed once for each row.",
            json_schema_extra={"x-query-of": "target_connector"},
        ),
    ] = None
    target_table: Annotated[
        Name | None, Field(description="A table instead of a query: it is upserted by `key`.")
    ] = None
    target_schema: Annotated[
        Name | None, Field(description="The table's schema; absent: the database's default one.")
    ] = None
    key: Annotated[
        tuple[Name, ...],
        Field(description="Columns that identify a row; empty: the table's primary key."),
    ] = ()
    mapping: Annotated[
        Mapping[str, Name],
        Field(
            default_factory=dict,
            description="Attribute (or dn) → parameter of the query, or column. Others go by name.",
        ),
    ]
    prune: Annotated[
        bool | None,
        Field(
            description="Remove rows that were not seen. Default: when the named query has a "
            "companion `prune`."
        ),
    ] = None
    prune_max_percent: Annotated[
        float, Field(ge=0, le=100, description="The largest share that pruning may remove.")
    ] = 20
    prune_max_rows: Annotated[
        int | None, Field(ge=0, description="The most rows that pruning may remove.")
    ] = None
    dry_run: Annotated[bool, Field(description="Tell what would change, and change nothing.")] = (
        False
    )

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        own = (self.server, self.bind_dn, self.bind_password)
        if self.connector is None and None in own:
            raise ValueError("expected connector, or server with bind_dn and bind_password")
        if self.connector is not None and (any(own) or self.start_tls or self.ca_file):
            raise ValueError("expected no server, login or TLS fields beside connector")
        return self

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target_query is None) == (self.target_table is None):
            raise ValueError("expected either target_query or target_table")
        if self.target_table is not None and not (self.attributes or self.mapping):
            raise ValueError("expected attributes or mapping with target_table")
        if self.target_query is not None and (self.key or self.target_schema):
            raise ValueError("expected key and target_schema with target_table only")
        return self

    @model_validator(mode="after")
    def _changes_of_a_table(self) -> Self:
        if self.changed_since is None:
            return self
        if self.target_table is None:
            raise ValueError("expected target_table with changed_since")
        if self.prune:
            raise ValueError(
                "expected no prune with changed_since: what did not change is not seen"
            )
        return self

    @model_validator(mode="after")
    def _one_spread(self) -> Self:
        rules = {} if isinstance(self.multi_valued, str) else self.multi_valued
        if sum(rule == "rows" for rule in rules.values()) > 1:
            raise ValueError('expected "rows" for one attribute of multi_valued at most')
        return self


class LdapSyncStep:
    """Searches a directory (OpenLDAP, Active Directory) and brings a table in line with it.

    All entries are fetched first, page by page. One transaction then inserts what is new, updates
    what differs and, when asked, prunes what was not seen: all of it or nothing. A search that
    was cut short changes nothing, nor does a prune past its limits. The log has a line for each
    page, and after a dry run one for each row that would change.

    Output: `{"fetched", "upserted", "pruned"}`, the number of `rows`, and for a table what was
    `created` and `updated`; after a dry run the `plan`: how many rows it would create, update
    and prune.

    Errors: `CutShort` when not every entry came: a size limit, a lost connection, a referral.
    `PruneRefused` past a limit of pruning, or when nothing was found. `InvalidCredentials`,
    `NoSuchObject` for the base, `CertificateError`, `Unreachable`; `StepRefused` for a filter, a
    mapping or a table that does not fit, `StepFailed` for a value, with its column and entry.
    Nothing was changed after any of them.

    Example:
    [[jobs]]
    id = "mirror-people"
    schedule = "0 */4 * * *"

    [[jobs.steps]]
    name = "people"
    type = "ldap_sync"
    connector = "directory"
    search_base = "ou=people,dc=example,dc=com"
    search_filter = "(objectClass=inetOrgPerson)"
    mapping = { uid = "user_id", cn = "name", mail = "mail" }
    target_connector = "reporting"
    target_table = "people"
    prune = true
    prune_max_percent = 10
    """

    name: ClassVar[str] = "ldap_sync"
    title: ClassVar[str] = "LDAP sync"
    host: ClassVar[HostKind] = "process"
    params_field: ClassVar[str | None] = None
    literal_fields: ClassVar[frozenset[str]] = frozenset()
    Spec = LdapSyncSpec

    def run(self, spec: LdapSyncSpec, ctx: StepContext) -> Output:
        directory = _directory(spec, ctx)
        connector = cast("SqlConnector", ctx.get_connector(spec.target_connector))
        target = Side(
            connector.name, connector.dialect, connector.pool, ctx.on_cancel, ctx.is_cancelled
        )
        with target.connection() as connection, target.errors():
            mirror = connector.dialect.mirror(connection)
            sync = _Sync(spec, ctx, mirror, directory)
            if spec.target_table is None:
                return sync.by_query(connector.query(spec.target_query or ""))
            return sync.by_table(TableName(spec.target_table, spec.target_schema))


@dataclass(frozen=True)
class _Sync:
    """One attempt, with both ends at hand."""

    spec: LdapSyncSpec
    ctx: StepContext
    mirror: Mirror
    directory: LdapConnector

    def by_query(self, query: NamedQuery) -> Output:
        """Through the named query, once for each row, and its companion for pruning."""
        spec, statement = self.spec, parse(query.sql)
        prunes = query.prune is not None if spec.prune is None else spec.prune
        if prunes and query.prune is None:
            raise StepRefused(
                f"Query '{spec.target_query}' has no companion `prune`: write one below it in "
                "connectors.toml, or leave the step's prune out."
            )
        run = self.ctx
        values = {**run.params, "session_user": run.session_user, "run_id": run.run_id}
        sources = query_sources(statement, spec.attributes, spec.mapping, values)
        destination = QueryDestination(self.mirror, statement, query.prune, values)
        return self._synced(destination, sources, spec.search_filter, prunes=prunes)

    def by_table(self, name: TableName) -> Output:
        """Into the table, by its key."""
        spec, table = self.spec, found_table(self.mirror, name)
        sources = named_sources(spec.attributes, spec.mapping)
        columns = list(sources.attributes)
        key = spec.key or table.primary_key
        refuse_unfit(table, columns, key)
        condition = spec.search_filter
        if spec.changed_since:
            mark = since(self.mirror, table, sources, spec.changed_since)
            condition = narrowed(condition, spec.changed_since, mark)
        destination = TableDestination(self.mirror, table, columns, key)
        return self._synced(destination, sources, condition, prunes=bool(spec.prune))

    def _synced(
        self, destination: Destination, sources: Sources, condition: str, *, prunes: bool
    ) -> Output:
        spec = self.spec
        guard = Guard(spec.prune_max_percent, spec.prune_max_rows) if prunes else None
        mirroring = Mirroring(
            self.mirror, destination, Order(guard, spec.dry_run), self.ctx.log.info
        )
        maker = RowMaker(sources.fillings(destination.columns), _reading(spec), self.mirror.encode)
        with closing(self.directory.pages(_search(spec, condition, sources))) as found:
            pages = _Pages(self.ctx, found)
            try:
                outcome = mirroring.run(map(maker.batch, pages))
            except CutShort as cut:
                raise StepFailed(f"{cut} Nothing was changed.", cause="CutShort") from None
        self.ctx.log.info("%s", outcome)
        return {"fetched": pages.fetched, **outcome.output()}


class _Pages:
    """The pages of a search, counted and told as they come."""

    def __init__(self, ctx: StepContext, pages: Iterator[Sequence[Entry]]) -> None:
        self.fetched = 0
        self._ctx = ctx
        self._pages = pages

    def __iter__(self) -> Iterator[Sequence[Entry]]:
        for number, page in enumerate(self._pages, 1):
            self.fetched += len(page)
            self._ctx.log.info("▶ page %s · %s entries", number, grouped(self.fetched))
            self._ctx.progress(self.fetched)
            yield page


def _directory(spec: LdapSyncSpec, ctx: StepContext) -> LdapConnector:
    """The connector that the step names, or one of its own."""
    if spec.connector is not None:
        directory = cast("LdapConnector", ctx.get_connector(spec.connector))
    else:
        directory = LdapConnector("", _own_server(spec)).cancellable(ctx.on_cancel)
    if not directory.definition.is_encrypted:
        ctx.log.warning(
            "The password travels to %s in the clear: use ldaps:// or start_tls.",
            directory.definition.server,
        )
    return directory


def _own_server(spec: LdapSyncSpec) -> LdapDefinition:
    own = ("server", "bind_dn", "bind_password", "start_tls", "ca_file")
    try:
        return LdapDefinition.model_validate({name: getattr(spec, name) for name in own})
    except ValidationError as error:
        wrong = "; ".join(str(found["ctx"]["error"]) for found in error.errors() if "ctx" in found)
        raise StepRefused(f"The step's server does not fit: {wrong}.") from None


def _search(spec: LdapSyncSpec, condition: str, sources: Sources) -> Search:
    return Search(
        base=spec.search_base,
        filter=condition,
        attributes=sources.wanted,
        scope=spec.search_scope,
        page_size=spec.page_size,
        referrals=spec.referrals,
    )


def _reading(spec: LdapSyncSpec) -> Reading:
    binary = frozenset(map(plain, spec.binary))
    if isinstance(spec.multi_valued, str):
        return Reading(spec.multi_valued, separator=spec.separator, binary=binary)
    rules = {plain(name): rule for name, rule in spec.multi_valued.items()}
    return Reading("first", rules, spec.separator, binary)


STEP = LdapSyncStep()
