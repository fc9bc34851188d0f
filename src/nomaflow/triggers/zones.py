"""Time zones: local times, instants, and the moments when a zone's offset changes."""

from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nomaflow.triggers.base import InvalidSchedule

_PROBE = timedelta(hours=12)
_RESOLUTION = timedelta(seconds=1)


def zone_named(name: str) -> ZoneInfo:
    """The IANA time zone of that name. Raises InvalidSchedule."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidSchedule(
            f"Time zone '{name}' is unknown. Expected an IANA name such as 'Europe/Paris'.",
            field="timezone",
        ) from None


def local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows at `instant`: naive."""
    return instant.astimezone(zone).replace(tzinfo=None)


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """How far the zone's local time is ahead of UTC at `instant`."""
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def first_instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """When the wall clock first shows `local` (naive), or jumps over it."""
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if local_time(instant, zone) == local:
        return instant
    before_the_gap = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return first_change(zone, after=before_the_gap, until=instant) or instant


def first_change(zone: ZoneInfo, *, after: datetime, until: datetime) -> datetime | None:
    """The first instant in (after, until] from which the zone has another offset."""
    for year in range(after.year, until.year + 1):
        for change in _changes_in(zone, year):
            if after < change:
                return change if change <= until else None
    return None


@lru_cache(maxsize=8192)
def _changes_in(zone: ZoneInfo, year: int) -> tuple[datetime, ...]:
    if year == MAXYEAR:
        return ()
    probe, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = []
    while probe < end:
        following = probe + _PROBE
        if offset_at(probe, zone) != offset_at(following, zone):
            changes.append(_change_between(probe, following, zone))
        probe = following
    return tuple(changes)


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    old = offset_at(before, zone)
    while after - before > _RESOLUTION:
        middle = before + (after - before) // (2 * _RESOLUTION) * _RESOLUTION
        if offset_at(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after
