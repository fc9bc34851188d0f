"""How much a prune may remove: past that, the list is more likely wrong than the table. Pure."""

from dataclasses import dataclass

from nomaflow.errors import StepFailed


@dataclass(frozen=True)
class Guard:
    """The limits of a prune: a share of the rows in percent, and a number of rows."""

    most_percent: float = 20
    most_rows: int | None = None

    def check(self, pruned: int, seen: int, before: int | None) -> None:
        """Raises StepFailed, with the numbers, when more went than may go.

        `seen` rows stay, and the table had `before` rows if that is known. It may hold rows that
        are none of ours, and some of those seen may be new: the smaller number counts.
        """
        base = seen + pruned if before is None else min(before, seen + pruned)
        percent = 100 * pruned / base if base else 0.0
        if percent > self.most_percent:
            limit = f"prune_max_percent = {self.most_percent:g}"
        elif self.most_rows is not None and pruned > self.most_rows:
            limit = f"prune_max_rows = {self.most_rows}"
        else:
            return
        raise StepFailed(
            f"Pruning would remove {pruned:,} of {base:,} rows ({percent:.1f} %), more than "
            f"{limit} allows; {seen:,} rows were seen. Nothing was changed. If it is right, raise "
            "the limit for one run.",
            cause="PruneRefused",
        )
