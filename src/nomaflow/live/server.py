"""The Socket.IO server: who connects, and what they ask to be told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import socketio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refusal

from nomaflow.domain.job import JobId
from nomaflow.domain.run import RunId
from nomaflow.errors import NomaflowError
from nomaflow.live.observer import Observer
from nomaflow.live.parts import LiveParts
from nomaflow.live.subscriber import Subscriber
from nomaflow.log import FactLog
from nomaflow.services.views import View

MOST_BYTES_RECEIVED = 16 * 1024
LARGEST_NUMBER = 2**53
TOKEN_CHECK_SECONDS = 10.0
NAMESPACE = "/"
UNKNOWN = (
    'Sign in with a token: connect with auth = {"token": TOKEN}. '
    "'nomaflow tokens create NAME' makes one."
)

log = FactLog()


class Subject(BaseModel):
    """What `subscribe` and `unsubscribe` name: a run, a job, everything, or several of them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    run: int | None = Field(None, ge=0, lt=LARGEST_NUMBER)
    after: int = Field(0, ge=0, lt=LARGEST_NUMBER)
    job: str | None = Field(None, max_length=500)
    catalogue: bool = False


@dataclass(frozen=True)
class Connection:
    """A client that has signed in."""

    token: str
    subscriber: Subscriber


class Live:
    """Live events at `/socket.io`, namespace `/`; `asgi` is the application to mount there.

    A client connects with `auth = {"token": …}`. It emits `subscribe` with `{"run": id, "after":
    seq}`, `{"job": id}` or `{"catalogue": true}`, `unsubscribe` with the same, and is answered
    `{"ok": true}` or `{"ok": false, "error": …}`.
    """

    def __init__(self, parts: LiveParts) -> None:
        self._parts = parts
        self._connections: dict[str, Connection] = {}
        self._observer = Observer(parts.looks, parts.bus, self._subscribers)
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins=[],  # hosts and origins are checked for every route alike
            max_http_buffer_size=MOST_BYTES_RECEIVED,
            logger=logging.getLogger("socketio"),
            engineio_logger=logging.getLogger("engineio"),
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("subscribe", partial(self._answer, self._subscribe))
        self._server.on("unsubscribe", partial(self._answer, self._unsubscribe))
        self.asgi = socketio.ASGIApp(self._server, socketio_path=None)
        self._checking: asyncio.Task[None] | None = None
        self._is_closed = False

    async def close(self) -> None:
        """Part from every client, each of which then connects again by itself, and stop."""
        if self._is_closed:
            return
        self._is_closed = True
        for socket in tuple(self._server.eio.sockets.values()):
            await socket.close(wait=False)
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.wait({self._checking})
        await self._observer.stop()
        await self._server.shutdown()

    def _subscribers(self) -> Iterable[Subscriber]:
        return [connection.subscriber for connection in self._connections.values()]

    async def _connect(self, sid: str, _environ: object, auth: Any) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            if not isinstance(token, str) or await self._parts.sign_in(token) is None:
                raise Refusal(UNKNOWN)
            await self._observer.start()
        except NomaflowError as error:
            raise Refusal(str(error)) from error
        subscriber = Subscriber(partial(self._send, sid), self._read)
        self._connections[sid] = Connection(token, subscriber)
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_tokens())

    async def _disconnect(self, sid: str, _reason: str) -> None:
        connection = self._connections.pop(sid, None)
        if connection is not None:
            await connection.subscriber.stop()
        if not self._connections:
            await self._observer.pause()

    async def _answer(
        self, act: Callable[[Subscriber, Subject], Awaitable[None]], sid: str, *what: Any
    ) -> View:
        try:
            await act(self._connections[sid].subscriber, Subject.model_validate(*what[:1] or [{}]))
        except ValidationError as error:
            return {"ok": False, "error": _said(error)}
        except NomaflowError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True}

    async def _subscribe(self, subscriber: Subscriber, what: Subject) -> None:
        if what.run is not None:
            run, _ = await self._parts.runs.get(RunId(what.run))
            subscriber.follow_run(run, what.after)
        if what.job is not None:
            subscriber.follow_job(JobId(what.job))
        if what.catalogue:
            subscriber.follow_catalogue()

    async def _unsubscribe(self, subscriber: Subscriber, what: Subject) -> None:
        if what.run is not None:
            subscriber.leave_run(RunId(what.run))
        if what.job is not None:
            subscriber.leave_job(JobId(what.job))
        if what.catalogue:
            subscriber.leave_catalogue()

    async def _read(self, run_id: RunId, after: int, limit: int) -> Any:
        return await self._parts.runs.lines(run_id, after=after, limit=limit)

    async def _send(self, sid: str, event: str, told: View) -> None:
        await self._server.emit(event, told, to=sid, namespace=NAMESPACE)
        socket = self._server.eio.sockets.get(self._server.manager.eio_sid_from_sid(sid, NAMESPACE))
        if socket is not None:
            await socket.queue.join()

    async def _check_tokens(self) -> None:
        """Part from clients whose token was revoked, and from those that went while they came."""
        while True:
            await asyncio.sleep(TOKEN_CHECK_SECONDS)
            for sid, connection in tuple(self._connections.items()):
                try:
                    await self._check(sid, connection)
                except Exception:
                    log.exception("token_check_failed")

    async def _check(self, sid: str, connection: Connection) -> None:
        if not self._server.manager.is_connected(sid, NAMESPACE):
            await self._disconnect(sid, "gone")
        elif await self._parts.sign_in(connection.token) is None:
            await self._server.disconnect(sid, NAMESPACE)


def _said(error: ValidationError) -> str:
    found = (
        f"{'.'.join(map(str, one['loc'])) or 'subject'}: {one['msg']}" for one in error.errors()
    )
    return "; ".join(found)
