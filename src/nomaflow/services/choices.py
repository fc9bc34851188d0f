"""Use case: what a parameter offers to choose from, asked of its database if need be."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from nomaflow.catalogue.model import Catalogue
from nomaflow.catalogue.toml import words
from nomaflow.connectors.base import Connector
from nomaflow.connectors.sql import SqlConnector
from nomaflow.domain.parameters import Choice, ChoicesQuery, as_json
from nomaflow.errors import NomaflowError, NotFound, Unreachable

MOST_CHOICES = 1000
QUERY_SECONDS = 10.0
STOP_SECONDS = 0.2
STOP_TRIES = 25
QUERIES_AT_A_TIME = 2


@dataclass(frozen=True)
class Offer:
    """Values to choose from; `has_more`: the list was cut off."""

    choices: tuple[Choice, ...]
    has_more: bool = False


class Choices:
    """Asks for the choices that jobs declare.

    `connector` opens a connector by its name; `mask` hides secrets in a text.
    """

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        connector: Callable[[str], Connector],
        mask: Callable[[str], str],
        query_seconds: float = QUERY_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._connector = connector
        self._mask = mask
        self._query_seconds = query_seconds
        self._asking = asyncio.Semaphore(QUERIES_AT_A_TIME)

    async def of(self, job_id: str, name: str) -> Offer:
        """What the parameter offers; nothing when any value will do.

        Raises NotFound; Unreachable, naming the connector, when it gives no choices.
        """
        schema = self._catalogue().job(job_id).params_schema
        if name not in schema:
            raise NotFound(words.sentence(words.unknown_name("parameter", name, schema)))
        declared = schema[name].choices
        if not isinstance(declared, ChoicesQuery):
            return Offer(schema[name].literal_choices or ())
        try:
            async with self._asking:
                return await self._asked(declared)
        except NomaflowError as error:
            raise Unreachable(
                f"The choices of '{name}' cannot be read from connector '{declared.connector}': "
                f"{self._mask(str(error))}"
            ) from None

    async def _asked(self, declared: ChoicesQuery) -> Offer:
        stop = _Stop()
        connector = await asyncio.to_thread(self._connector, declared.connector)
        sql = cast("SqlConnector", connector).cancellable(stop.on_cancel)
        work = asyncio.create_task(asyncio.to_thread(_offer, sql, declared.query))
        await asyncio.wait({work}, timeout=self._query_seconds)
        if work.done():
            return work.result()
        await _stopped(work, stop)
        raise Unreachable(f"the query did not end within {self._query_seconds:g} s.")


class _Stop:
    """Remembers how the statement that runs now is stopped."""

    def __init__(self) -> None:
        self.ask: Callable[[], None] = _nothing

    @contextmanager
    def on_cancel(self, hook: Callable[[], None]) -> Iterator[None]:
        self.ask = hook
        try:
            yield
        finally:
            self.ask = _nothing


def _nothing() -> None:
    """No statement runs."""


async def _stopped(work: asyncio.Task[Offer], stop: _Stop) -> None:
    """Ask until the work ends; a driver that does not hear is left behind."""
    for _ in range(STOP_TRIES):
        stop.ask()
        await asyncio.wait({work}, timeout=STOP_SECONDS)
        if work.done():
            work.exception()
            return


def _offer(connector: SqlConnector, query: str) -> Offer:
    rows = list(islice(connector.stream(query), MOST_CHOICES + 1))
    choices = tuple(_choice(row) for row in rows[:MOST_CHOICES])
    return Offer(choices, has_more=len(rows) > MOST_CHOICES)


def _choice(row: Any) -> Choice:
    value, label = as_json(row[0]), row[1] if len(row) > 1 else None
    plain = value if isinstance(value, bool | int | float | str) else str(value)
    return Choice(value=plain, label=None if label is None else str(label))
