"""What goes into the store comes out of it, whatever it is."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from nomaflow.domain.run import LogLine
from nomaflow.history.chunks import pack, unpack
from nomaflow.history.types import Instant, storable, to_json

zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001  # hypothesis adds the zone
lines = st.builds(
    LogLine,
    at=instants.map(lambda at: at.astimezone(UTC)),
    level=st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR"]),
    message=st.text().map(storable),
    step=st.none() | st.text().map(storable),
    attempt=st.none() | st.integers(1, 99),
    source=st.sampled_from(["", "stdout"]),
)


@given(st.lists(lines, min_size=1, max_size=20), st.integers(1, 10**9), st.integers(0, 25))
def test_a_chunk_gives_back_its_lines_from_any_number_on(
    written: list[LogLine], first: int, skipped: int
) -> None:
    after = first - 1 + skipped
    read = list(unpack(pack(written), first, after=after))
    assert [line.seq for line in read] == [
        seq for seq in range(first, first + len(written)) if seq > after
    ]
    assert [vars(line) | {"seq": 0} for line in read] == [vars(line) for line in written[skipped:]]


@given(instants, instants)
def test_instants_sort_as_text_as_they_do_in_time(one: datetime, two: datetime) -> None:
    kind, dialect = Instant(), sqlite.dialect()
    texts = [kind.process_bind_param(each, dialect) for each in (one, two)]
    assert (texts[0] < texts[1]) == (one < two)
    assert [kind.process_result_value(text, dialect) for text in texts] == [one, two]


@given(st.text())
def test_what_is_storable_is_kept_as_it_is_and_the_rest_made_so(text: str) -> None:
    kept = storable(text)
    assert "\0" not in kept
    assert kept.encode().decode() == kept
    assert storable(kept) == kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | instants,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_every_output_becomes_json_that_databases_take(value: object) -> None:
    text = to_json(value)
    assert text.isascii()
    assert "\0" not in text
