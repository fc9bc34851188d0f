"""One search, to its end: page by page, attributes in ranges, and nothing missing unsaid."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from nomaflow.clock import SystemClock
from nomaflow.connectors.ldap.failures import CutShort, words
from nomaflow.errors import StepCanceled, StepRefused

Scope = Literal["base", "one", "subtree"]
Referrals = Literal["fail", "ignore"]
Attributes = dict[str, list[bytes]]

_LOOK_SECONDS: Final = 0.25
_RANGE: Final = re.compile(r"(?P<name>.+);range=(?P<low>\d+)-(?P<high>\d+|\*)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One entry of a directory; attribute names are in lower case and bear no `;binary`."""

    dn: str
    attributes: Mapping[str, list[bytes]]


@dataclass(frozen=True)
class Search:
    """What is looked for. No `attributes`: all that users may set.

    `page_size` 0 asks for everything at once. `referrals`: entries that the server knows to be
    on other servers make the search incomplete, unless they are to be ignored.
    """

    base: str
    filter: str = "(objectClass=*)"
    attributes: Sequence[str] = ()
    scope: Scope = "subtree"
    page_size: int = 1000
    referrals: Referrals = "fail"


class Searching:
    """A search under way on one connection of python-ldap's."""

    def __init__(
        self,
        handle: Any,
        search: Search,
        patience_seconds: float,
        is_stopped: Callable[[], bool],
    ) -> None:
        import ldap  # only where it is installed

        self._ldap = ldap
        self._handle = handle
        self._search = search
        self._patience_seconds = patience_seconds
        self._is_stopped = is_stopped
        self._clock = SystemClock()
        self._fetched = 0

    def pages(self) -> Iterator[Sequence[Entry]]:
        """Every entry. Raises CutShort when the server stops before the end."""
        cookie = b""
        while True:
            with self._complete():
                found, cookie = self._page(cookie)
                entries = [self._entry(dn, given) for dn, given in self._own(found)]
            self._fetched += len(entries)
            yield entries
            if not cookie:
                return

    def _page(self, cookie: bytes) -> tuple[list[Any], bytes]:
        """The next entries and continuation references, and where the server goes on."""
        search = self._search
        controls = [self._paging(cookie)] if search.page_size else None
        found, answered = self._ask(
            search.base, search.scope, search.filter, list(search.attributes) or None, controls
        )
        return found, next((c.cookie for c in answered if hasattr(c, "cookie")), b"")

    def _paging(self, cookie: bytes) -> Any:
        """Critical: a server that cannot page says so, and does not send a part."""
        from ldap.controls import SimplePagedResultsControl

        return SimplePagedResultsControl(
            criticality=True, size=self._search.page_size, cookie=cookie
        )

    def _own(self, found: list[Any]) -> Iterator[tuple[str, Attributes]]:
        """The entries without the references to other servers, which stand there without DN."""
        for dn, given in found:
            if dn is not None:
                yield dn, given
            elif self._search.referrals == "fail":
                raise self._cut_short(
                    f"a part of the tree is on another server ({', '.join(given)}), which is not "
                    'followed. Search a base that is not split, or set referrals = "ignore"'
                )

    def _entry(self, dn: str, given: Attributes) -> Entry:
        attributes: Attributes = {}
        for described, values in given.items():
            ranged = _RANGE.fullmatch(described) if ";" in described else None
            whole = values + self._rest(dn, ranged) if ranged else values
            attributes.setdefault(plain(described), []).extend(whole)
        return Entry(dn, attributes)

    def _rest(self, dn: str, ranged: re.Match[str]) -> list[bytes]:
        """What follows a range of values, as Active Directory gives those of large groups."""
        rest: list[bytes] = []
        while ranged["high"] != "*":
            wanted = f"{ranged['name']};range={int(ranged['high']) + 1}-*"
            found, _ = self._ask(dn, "base", "(objectClass=*)", [wanted], None)
            given: Attributes = next((given for at, given in found if at is not None), {})
            answer = next(filter(None, map(_RANGE.fullmatch, given)), None)
            if answer is None:
                raise self._cut_short(f"the server did not give {wanted} of '{dn}'")
            rest += given[answer[0]]
            ranged = answer
        return rest

    def _ask(
        self,
        base: str,
        scope: Scope,
        condition: str,
        attributes: list[str] | None,
        controls: list[Any] | None,
    ) -> tuple[list[Any], list[Any]]:
        """One question and its whole answer; a stop that is asked ends the wait."""
        number = self._handle.search_ext(
            base, self._scope(scope), condition, attributes, serverctrls=controls
        )
        deadline = self._clock.steady() + self._patience_seconds
        while True:
            if self._is_stopped():
                self._handle.abandon_ext(number)
                raise StepCanceled("The search was stopped.")
            try:
                _, found, _, answered = self._handle.result3(number, timeout=_LOOK_SECONDS)
            except self._ldap.TIMEOUT:
                if self._clock.steady() > deadline:
                    raise
            else:
                return found, answered

    def _scope(self, scope: Scope) -> int:
        scopes: Mapping[Scope, int] = {
            "base": self._ldap.SCOPE_BASE,
            "one": self._ldap.SCOPE_ONELEVEL,
            "subtree": self._ldap.SCOPE_SUBTREE,
        }
        return scopes[scope]

    @contextmanager
    def _complete(self) -> Iterator[None]:
        """Tell a search that ended early from one that never began."""
        ldap = self._ldap
        try:
            yield
        except ldap.FILTER_ERROR:
            raise StepRefused(
                f"The search_filter is no LDAP filter: {self._search.filter}. Check its "
                "parentheses."
            ) from None
        except ldap.REFERRAL as error:
            raise self._cut_short(
                f"'{self._search.base}' is on another server: {words(error)}"
            ) from None
        except (
            ldap.SIZELIMIT_EXCEEDED,
            ldap.TIMELIMIT_EXCEEDED,
            ldap.ADMINLIMIT_EXCEEDED,
        ) as error:
            raise self._cut_short(
                f"a limit of the server, {words(error)}. Have it raised for this account, or "
                "search in smaller parts"
            ) from None
        except ldap.LDAPError as error:
            if not self._fetched:
                raise
            raise self._cut_short(f"the server failed between pages, {words(error)}") from None

    def _cut_short(self, reason: str) -> CutShort:
        return CutShort(reason, self._fetched)


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """An attribute's name as entries bear it; every entry of a search has the same few."""
    ranged = _RANGE.fullmatch(name)
    return (ranged["name"] if ranged else name).lower().removesuffix(";binary")
