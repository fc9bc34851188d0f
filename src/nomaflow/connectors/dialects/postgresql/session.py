"""How a session of ours is set up, and siblings of one: they go on with what it has begun."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import psycopg

SESSION = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
SET extra_float_digits = 3; SET lc_monetary = 'C'
"""
CANCEL_TIMEOUT_SECONDS = 3.0

Done = TypeVar("Done")


@contextmanager
def siblings(
    connection: "psycopg.Connection[Any]", number: int
) -> Iterator[list["psycopg.Connection[Any]"]]:
    """Up to so many, each statement a transaction of its own; fewer where no more are let in."""
    import psycopg  # the driver: when it is opened

    with ExitStack() as stack:
        opened: list[psycopg.Connection[Any]] = []
        with suppress(psycopg.OperationalError):  # the copy goes on with those it has
            for _ in range(number):
                opened.append(stack.enter_context(_sibling(connection)))  # noqa: PERF401 - what is there stays
        yield opened


@contextmanager
def _sibling(connection: "psycopg.Connection[Any]") -> Iterator["psycopg.Connection[Any]"]:
    import psycopg

    info = connection.info
    sibling = psycopg.connect(info.dsn, password=info.password or None, autocommit=True)
    try:
        sibling.execute(SESSION)
        yield sibling
    finally:
        sibling.close()


def cancel(connections: Sequence["psycopg.Connection[Any]"]) -> None:
    """Stop what these connections run."""
    import psycopg

    for connection in connections:
        with suppress(psycopg.Error):  # it is gone, and what it ran is, too
            connection.cancel_safe(timeout=CANCEL_TIMEOUT_SECONDS)


def side_by_side(tasks: Sequence[Callable[[], Done]], stop: Callable[[], None]) -> Sequence[Done]:
    """What the tasks return, which run at once, each in a thread.

    Raises the first error of one, once `stop` has ended the others.
    """
    if len(tasks) == 1:
        return [tasks[0]()]
    with ThreadPoolExecutor(len(tasks), thread_name_prefix="copy") as threads:
        running = [threads.submit(task) for task in tasks]
        failed = next((each for each in as_completed(running) if each.exception()), None)
        if failed is not None:
            stop()
    return [each.result() for each in ([failed] if failed else running)]
