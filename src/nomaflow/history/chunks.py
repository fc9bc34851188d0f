"""One chunk of a log: up to 500 lines as JSON arrays, a line each, compressed."""

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nomaflow.domain.job import LogLevel
from nomaflow.domain.run import LogLine, RunId

LINES_PER_CHUNK: Final = 500
SEVERITY: Final[dict[LogLevel, int]] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
FASTEST: Final = 1

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def chunk_row(run_id: RunId, lines: Sequence[LogLine]) -> dict[str, object]:
    """The row that holds these numbered lines."""
    return {
        "run_id": run_id,
        "first_seq": lines[0].seq,
        "last_seq": lines[-1].seq,
        "line_count": len(lines),
        "worst_level": max(SEVERITY[line.level] for line in lines),
        "steps": list(dict.fromkeys(line.step for line in lines)),
        "lines": pack(lines),
    }


def pack(lines: Sequence[LogLine]) -> bytes:
    """The lines without their numbers, which follow from the chunk's first one."""
    return zlib.compress("\n".join(map(_packed, lines)).encode(), FASTEST)


def unpack(chunk: bytes, first_seq: int, *, after: int = 0) -> Iterator[LogLine]:
    """The lines with a number above `after`; each is made only when it is asked for."""
    rows = json.loads("[" + zlib.decompress(chunk).decode().replace("\n", ",") + "]")
    known = max(0, after + 1 - first_seq)
    for seq, row in enumerate(rows[known:], first_seq + known):
        yield _unpacked(row, seq)


def mentions(chunk: bytes, text: str) -> bool:
    """Whether a line may hold the text, in any case: true too where only a step's name does."""
    return not text or _encode(text)[1:-1].lower() in zlib.decompress(chunk).decode().lower()


def _packed(line: LogLine) -> str:
    at = (line.at - EPOCH) // MICROSECOND
    return _encode([at, line.level, line.step, line.attempt, line.source, line.message])


def _unpacked(row: list[Any], seq: int) -> LogLine:
    at, level, step, attempt, source, message = row
    return LogLine(EPOCH + timedelta(microseconds=at), level, message, step, attempt, source, seq)
