"""Streams of binary COPY that become one."""

from collections.abc import Iterator

import psycopg
import pytest

from nomaflow.connectors.copies import SourceFailed, Unsuited
from nomaflow.connectors.dialects.postgresql.raw import merged

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"


class Said:
    """Readers that say what a test wants."""

    def __init__(self, *chunks: tuple[int, bytes]) -> None:
        self._chunks = chunks

    def chunks(self) -> Iterator[tuple[int, bytes]]:
        yield from self._chunks


def joined(*chunks: tuple[int, bytes]) -> bytes:
    return b"".join(merged(Said(*chunks)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "chunks",
    [
        [(0, HEADER + b"rows" + END)],
        [(0, HEADER), (0, b"ro"), (0, b"ws"), (0, END)],
        [(0, HEADER + b"ro"), (1, HEADER), (1, b"ws"), (0, END), (1, END)],
        [(1, HEADER + END), (0, HEADER + b"rows" + END)],
    ],
)
def test_there_is_one_header_and_one_trailer(chunks: list[tuple[int, bytes]]) -> None:
    assert joined(*chunks) == HEADER + b"rows" + END


@pytest.mark.parametrize(
    "chunks", [[(0, HEADER + b"rows")], [(0, HEADER + b"a" + END), (1, HEADER), (1, b"rows")]]
)
def test_a_stream_without_its_trailer_is_no_table(chunks: list[tuple[int, bytes]]) -> None:
    with pytest.raises(SourceFailed) as caught:
        joined(*chunks)
    assert isinstance(caught.value.error, psycopg.OperationalError)


def test_a_stream_with_another_header_is_left_alone() -> None:
    with pytest.raises(Unsuited, match="header"):
        joined((0, b"PGCOPY\n\xff\r\n\x00" + b"\x00\x01\x00\x00" + bytes(4)))
