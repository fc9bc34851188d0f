"""A directory server and the login of a service account."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Annotated, Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from nomaflow.connectors.base import ConnectorSettings, EngineLookup, OnCancel
from nomaflow.connectors.ldap import failures
from nomaflow.connectors.ldap.reaching import Reach
from nomaflow.connectors.ldap.search import Entry, Search, Searching
from nomaflow.domain.definition import Definition
from nomaflow.domain.secrets import SecretText
from nomaflow.errors import NotFound, Refused, StepFailed

_HOW_TO_INSTALL: Final = (
    "Install it with: pip install 'nomaflow[ldap]'. It is compiled: on Debian first "
    "apt-get install gcc python3-dev libldap-dev libsasl2-dev."
)


class LdapDefinition(Definition):
    """A block [connectors.NAME] with type "ldap"."""

    server: Annotated[
        str,
        Field(
            pattern=r"^ldaps?://[^/\s]+/?$",
            description="The server, as ldaps://host or ldap://host:port.",
        ),
    ]
    bind_dn: Annotated[
        str,
        Field(
            min_length=1,
            description="Who signs in: a DN, on Active Directory also user@domain.",
        ),
    ]
    bind_password: Annotated[
        SecretText, Field(description="Its password: a sealed value or one ${env:VAR} token.")
    ]
    start_tls: Annotated[
        bool, Field(description="Encrypt an ldap:// connection before the login.")
    ] = False
    ca_file: Annotated[
        Path | None,
        Field(description="Certificates of the authorities to trust instead of the system's."),
    ] = None
    connect_timeout_seconds: Annotated[float, Field(gt=0)] = 10
    answer_timeout_seconds: Annotated[
        float, Field(gt=0, description="How long the server may take for one page of entries.")
    ] = 120

    @model_validator(mode="after")
    def _encrypted_once(self) -> Self:
        if self.start_tls and self.server.startswith("ldaps:"):
            raise ValueError("expected start_tls with ldap:// only: ldaps:// is encrypted already")
        return self

    @model_validator(mode="after")
    def _no_empty_password(self) -> Self:
        """A server takes a login without password for an anonymous one, and lets it pass."""
        if not self.bind_password.reveal():
            raise ValueError("expected a bind_password that is not empty")
        return self

    def located(self, home: Path) -> Definition:
        """The same, with `ca_file` counted from the home folder."""
        if self.ca_file is None:
            return self
        return self.model_copy(update={"ca_file": home / self.ca_file})

    @property
    def reach(self) -> Reach:
        """How the server is connected to."""
        return Reach(self.server, self.start_tls, self.ca_file, self.connect_timeout_seconds)

    @property
    def is_encrypted(self) -> bool:
        """Whether no one on the way can read the password."""
        return self.start_tls or self.server.startswith("ldaps:") or _is_this_machine(self.server)


class LdapConnector:
    """A way to one directory; a step's own one has no name.

    Thread-safe; each search is a connection of its own.

    Errors are Unreachable, StepRefused for what the search gets wrong, StepFailed with the
    server's own words (of type CertificateError when the server is not trusted), and CutShort when
    not all entries came.
    """

    def __init__(self, name: str, definition: LdapDefinition) -> None:
        self.name = name
        self.definition = definition
        self._on_cancel: OnCancel = lambda _: nullcontext()

    def cancellable(self, on_cancel: OnCancel) -> Self:
        """The same connector, whose searches end when a stop is asked."""
        connector = copy(self)
        connector._on_cancel = on_cancel
        return connector

    def pages(self, search: Search) -> Generator[Sequence[Entry], None, None]:
        """All entries that a search finds, page by page as they come; close it to end early."""
        stop = Event()
        with self._on_cancel(stop.set), self._session() as handle:
            patience = self.definition.answer_timeout_seconds
            yield from Searching(handle, search, patience, stop.is_set).pages()

    def entries(self, base: str, **options: Any) -> Iterator[tuple[str, Mapping[str, list[bytes]]]]:
        """DN and attributes (in lower case) of what a search finds; options as in `Search`."""
        for page in self.pages(Search(base, **options)):
            for entry in page:
                yield entry.dn, entry.attributes

    def check(self) -> None:
        """Sign in once. Raises Unreachable, or StepFailed when the server refuses."""
        with self._session():
            pass

    def close(self) -> None:
        """Nothing to give back: a connection ends with its search."""

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """python-ldap's connection, encrypted as the definition says, and signed in."""
        library, given = _library(self.name), self.definition
        with failures.translated(self.name, given.reach, given.bind_dn):
            handle = library.initialize(given.server)
            _prepare(library, handle, given)
            try:
                if given.start_tls:
                    handle.start_tls_s()
                handle.simple_bind_s(given.bind_dn, given.bind_password.reveal())
                yield handle
            finally:
                handle.unbind_ext()


def _library(name: str) -> Any:
    try:
        return import_module("ldap")
    except ImportError as error:
        missing = "python-ldap" if isinstance(error, ModuleNotFoundError) else str(error)
        who = f"Connector '{name}'" if name else "The step"
        raise NotFound(f"{who} needs the LDAP library ({missing}). {_HOW_TO_INSTALL}") from None


def _prepare(library: Any, handle: Any, definition: LdapDefinition) -> None:
    """Options of this connection alone; the machine's ldap.conf does not weaken them."""
    handle.protocol_version = library.VERSION3
    handle.set_option(library.OPT_REFERRALS, 0)
    handle.set_option(library.OPT_NETWORK_TIMEOUT, definition.connect_timeout_seconds)
    handle.set_option(library.OPT_TIMEOUT, definition.answer_timeout_seconds)
    handle.set_option(library.OPT_SIZELIMIT, 0)
    handle.set_option(library.OPT_TIMELIMIT, 0)
    handle.set_option(library.OPT_X_TLS_REQUIRE_CERT, library.OPT_X_TLS_DEMAND)
    if definition.ca_file is not None:
        if not definition.ca_file.is_file():
            raise StepFailed(f"There is no file '{definition.ca_file}': check the field 'ca_file'.")
        handle.set_option(library.OPT_X_TLS_CACERTFILE, str(definition.ca_file))
    handle.set_option(library.OPT_X_TLS_NEWCTX, 0)


def _is_this_machine(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class LdapConnectorType:
    """`type = "ldap"`: searches in a directory."""

    name: ClassVar[str] = "ldap"
    Definition = LdapDefinition

    def open(self, settings: ConnectorSettings, engine: EngineLookup) -> LdapConnector:  # noqa: ARG002 - the seam's
        if not isinstance(settings.definition, LdapDefinition):
            raise Refused(f"Connector '{settings.name}' is not of type ldap.")
        return LdapConnector(settings.name, settings.definition)


CONNECTOR = LdapConnectorType()
