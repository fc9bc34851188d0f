"""The lane that a copy's rows take: the fastest on which every value arrives as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from nomaflow.connectors.copies import Load, Shortcut, Target, Transfer, Unsuited

ROWS = "rows"


@dataclass(frozen=True)
class Lane:
    """`load` None: rows one by one. `passed_over` says of each faster lane why it is not taken."""

    name: str
    load: Load | None
    passed_over: Sequence[str] = ()

    @property
    def told(self) -> str:
        """For the log."""
        over = f"; passed over: {'; '.join(self.passed_over)}" if self.passed_over else ""
        return f"lane {self.name}{over}"


def lane(transfer: Transfer, shortcuts: Sequence[Shortcut]) -> Lane:
    """Look at the shortcuts, which are the fastest first."""
    passed_over: list[str] = []
    for shortcut in shortcuts:
        try:
            if not shortcut.coerces:
                transfer.refuse_pending()
            return Lane(shortcut.lane, shortcut.fit(transfer), passed_over)
        except Unsuited as unsuited:
            passed_over.append(f"{shortcut.lane}: {unsuited}")
    return Lane(ROWS, None, passed_over)


def refuse_nulls(transfer: Transfer, stash: str, target: Target) -> None:
    """Raises Unsuited when a loaded stash has a NULL that the target does not allow."""
    nulls = [f"{target.quote(name)} IS NULL" for name in transfer.never_null]
    found = f"SELECT 1 FROM {stash} WHERE {' OR '.join(nulls)}"  # noqa: S608 - quoted
    if nulls and target.row(target.one_of(found)) is not None:
        raise Unsuited("there is a NULL which the target does not allow")
