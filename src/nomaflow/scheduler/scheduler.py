"""The scheduler: watches the clock for every enabled job and hands over what is due."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from nomaflow.clock import Clock, until_next
from nomaflow.domain.job import JobId
from nomaflow.domain.pause import Pause
from nomaflow.log import FactLog
from nomaflow.scheduler.ledger import Ledger
from nomaflow.scheduler.plan import AWAKE, Key, Plan, ScheduleEntry, Silence, plan
from nomaflow.scheduler.timer import Timer

RETRY_AFTER = timedelta(seconds=1)

log = FactLog()


class Scheduler:
    """Turns schedules into rows, one per due time.

    While the ledger cannot be written, the same due times are decided again.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        *,
        guard_seconds: float = 1.0,
        sign_seconds: float = 5.0,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._sign_seconds = sign_seconds
        self._timer: Timer[Key] = Timer(
            clock, on_due=self._on_due, on_step=self._on_step, guard_seconds=guard_seconds
        )
        self._entries: dict[Key, ScheduleEntry] = {}
        self._keys_of: dict[JobId, list[Key]] = {}
        self._cursors: dict[Key, datetime] = {}
        self._stored: dict[Key, datetime] = {}
        self._suspended: dict[Key, str] = {}
        self._is_failing = False
        self._is_unheard = False
        self._deciding = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def suspended(self) -> Mapping[Key, str]:
        """The schedules that were stopped because they are broken, each with the reason."""
        return self._suspended

    async def start(self) -> None:
        """Decide what passed while nobody looked, then keep watch until `stop`."""
        down_since = await self._ledger.last_look()
        self._stored = dict(await self._ledger.cursors())
        self._take_entries()
        await self._retire(self._stored.keys() - self._entries.keys())
        self._cursors = dict.fromkeys(self._entries, self._clock.now()) | self._stored
        async with self._deciding:
            await self._decide(self._entries, Silence(down_since))
        self._tasks = [
            asyncio.create_task(self._timer.run(), name="scheduler"),
            asyncio.create_task(self._give_signs(), name="scheduler signs"),
        ]

    async def stop(self) -> None:
        """Stop watching; a batch that is being written is written to its end."""
        if not self._tasks:
            return
        async with self._deciding:
            for task in self._tasks:
                task.cancel()
        await asyncio.wait(self._tasks)
        self._tasks = []
        await self._give_sign()

    async def reload(self) -> None:
        """Take over a changed catalogue: a schedule that is new or changed counts from now."""
        async with self._deciding:
            before = self._entries
            self._take_entries()
            gone = before.keys() - self._entries.keys()
            for key in gone:
                self._forget(key)
            await self._retire(gone)
            fresh = [key for key, entry in self._entries.items() if before.get(key) != entry]
            self._cursors |= dict.fromkeys(fresh, self._clock.now())
            await self._decide(fresh)

    def next_due(self, job_id: JobId) -> datetime | None:
        """The job's next due time; None: by hand only, disabled, or suspended."""
        armed = (self._timer.due_of(key) for key in self._keys_of.get(job_id, ()))
        return min((due for due in armed if due is not None), default=None)

    def _take_entries(self) -> None:
        self._entries = {entry.key: entry for entry in self._ledger.entries()}
        self._keys_of = {}
        for key in self._entries:
            self._keys_of.setdefault(key[0], []).append(key)

    def _forget(self, key: Key) -> None:
        self._timer.disarm(key)
        self._cursors.pop(key, None)
        self._suspended.pop(key, None)

    async def _retire(self, keys: Collection[Key]) -> None:
        try:
            retired = await self._ledger.retire(keys) if keys else ()
        except Exception:
            log.exception("retire_failed", schedules=len(keys))
            return
        for key in retired:
            self._stored.pop(key, None)

    async def _give_signs(self) -> None:
        while True:
            await self._give_sign()
            await self._clock.sleep(until_next(self._clock, self._sign_seconds))

    async def _give_sign(self) -> None:
        try:
            await self._ledger.note_look()
        except Exception:
            if not self._is_unheard:
                log.exception("sign_of_life_failed")
            self._is_unheard = True
        else:
            self._is_unheard = False

    async def _on_due(self, keys: Sequence[Key]) -> None:
        async with self._deciding:
            await self._decide(keys, Silence(self._timer.looked_at))

    async def _on_step(self, by: timedelta) -> None:
        log.warning("clock_stepped", by_seconds=by.total_seconds())
        async with self._deciding:
            await self._decide(self._entries, Silence(self._timer.looked_at, "clock set forward"))

    async def _decide(self, keys: Iterable[Key], silence: Silence = AWAKE) -> None:
        now = self._clock.now()
        known = [key for key in keys if key in self._entries]
        plans: dict[Key, Plan] = {}
        try:
            pauses = await self._pauses(known)
            plans = {
                key: found for key in known if (found := self._plan(key, now, silence, pauses))
            }
            await self._write(plans)
        except Exception:
            if not self._is_failing:
                log.exception("fire_failed", schedules=len(known))
            self._is_failing = True
            for key in plans or known:
                self._timer.arm(key, now + RETRY_AFTER)
        else:
            self._is_failing = False
            self._arm(plans)

    async def _pauses(self, keys: Sequence[Key]) -> Sequence[Pause]:
        since = min((self._cursors[key] for key in keys), default=None)
        return await self._ledger.pauses(since) if since else ()

    async def _write(self, plans: Mapping[Key, Plan]) -> None:
        decisions = [decision for found in plans.values() for decision in found.decisions]
        cursors = {
            key: found.cursor
            for key, found in plans.items()
            if self._stored.get(key) != found.cursor
        }
        if decisions or cursors:
            await self._ledger.fire(decisions, cursors)
        self._stored |= cursors
        self._cursors |= cursors

    def _plan(
        self, key: Key, now: datetime, silence: Silence, pauses: Sequence[Pause]
    ) -> Plan | None:
        """The plan of one schedule; None when it is broken and therefore suspended."""
        try:
            return plan(self._entries[key], self._cursors[key], now, silence, pauses)
        except Exception as error:
            log.exception("schedule_suspended", job_id=key[0], trigger_id=key[1])
            self._suspend(key, f"{type(error).__name__}: {error}")
            return None

    def _arm(self, plans: Mapping[Key, Plan]) -> None:
        for key, found in plans.items():
            if found.next_due is None:
                self._suspend(key, reason := "the schedule has no further due time")
                log.warning("schedule_suspended", job_id=key[0], trigger_id=key[1], reason=reason)
            else:
                self._suspended.pop(key, None)
                self._timer.arm(key, found.next_due)

    def _suspend(self, key: Key, reason: str) -> None:
        self._timer.disarm(key)
        self._suspended[key] = reason
