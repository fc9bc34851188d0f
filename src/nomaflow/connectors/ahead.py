"""A thread that reads some items before they are used."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Final, TypeVar

READ_AHEAD: Final = 2
Item = TypeVar("Item")
Ready = queue.Queue[Item | BaseException | None]


def read_ahead(
    items: Generator[Item, None, None], interrupt: Callable[[], None]
) -> Generator[Item, None, None]:
    """The same items, read by a thread of their own, at most `READ_AHEAD` before their use.

    `interrupt` makes the thread return from what it waits for, if its items are wanted no more.
    """
    ready: Ready[Item] = queue.Queue(READ_AHEAD)
    stop, over = threading.Event(), threading.Event()
    reader = threading.Thread(target=_fill, args=(ready, items, stop, over), name="copy reader")
    reader.start()
    try:
        yield from _taken(ready)
    except BaseException:
        stop.set()
        if not over.is_set():
            interrupt()
        raise
    finally:
        _drain(ready)
        reader.join()


def _taken(ready: Ready[Item]) -> Iterator[Item]:
    while (item := ready.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def _fill(
    ready: Ready[Item],
    items: Generator[Item, None, None],
    stop: threading.Event,
    over: threading.Event,
) -> None:
    end: BaseException | None = None
    try:
        with closing(items):
            for item in items:
                ready.put(item)
                if stop.is_set():
                    break
    except BaseException as error:  # noqa: BLE001 - it is raised where the items are used
        end = error
    over.set()
    ready.put(end)


def _drain(ready: Ready[Item]) -> None:
    """Make room, so that a reader which waits to put its last items comes to its end."""
    while True:
        try:
            ready.get_nowait()
        except queue.Empty:
            return
