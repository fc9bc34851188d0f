"""What a person sees of a running copy."""

from collections.abc import Callable

Tell = Callable[[str], None]


class Progress:
    """Counts the rows that arrived, and tells about each batch of `batch_size` rows.

    `tell` takes a line of the log; `report` takes rows so far, and how many there are, if known.
    """

    def __init__(
        self,
        tell: Tell,
        report: Callable[[int, int | None], None],
        batch_size: int,
        total: int | None,
    ) -> None:
        self.rows = 0
        self._tell = tell
        self._report = report
        self._batch_size = batch_size
        self._total = total
        self._told = 0

    def add(self, rows: int) -> None:
        """So many rows have arrived."""
        self.rows += rows
        self._report(self.rows, self._total)
        if self.rows - self._told >= self._batch_size:
            self._line()

    def finish(self) -> None:
        """All rows have arrived; how many there would be was perhaps only known roughly."""
        if self._total not in {None, self.rows}:
            self._total = self.rows
            self._report(self.rows, self._total)
        if self.rows > self._told:
            self._line()

    def _line(self) -> None:
        self._told = self.rows
        of = "" if self._total is None else f" of {self._batches(max(self._total, self.rows))}"
        self._tell(f"▶ batch {self._batches(self.rows)}{of} · {grouped(self.rows)} rows")

    def _batches(self, rows: int) -> int:
        return -(-rows // self._batch_size)


def grouped(number: int) -> str:
    """`120000` as `120 000`."""
    return f"{number:,}".replace(",", " ")
