"""Everything that is remembered, over one database."""

from dataclasses import dataclass
from typing import Self

from nomaflow.clock import Clock
from nomaflow.history.closing import OnEnd
from nomaflow.history.database import Database
from nomaflow.history.logs import LogHistory
from nomaflow.history.looks import Looks
from nomaflow.history.near import NearRuns
from nomaflow.history.pauses import PauseHistory
from nomaflow.history.processes import ProcessRegistry
from nomaflow.history.recent import RecentRuns
from nomaflow.history.revisions import RevisionHistory
from nomaflow.history.runs import RunHistory
from nomaflow.history.schedules import ScheduleHistory
from nomaflow.history.tokens import TokenStore


@dataclass(frozen=True)
class HistoryParts:
    """The histories by what they remember."""

    runs: RunHistory
    recent: RecentRuns
    near: NearRuns
    looks: Looks
    logs: LogHistory
    processes: ProcessRegistry
    revisions: RevisionHistory
    schedules: ScheduleHistory
    pauses: PauseHistory
    tokens: TokenStore

    @classmethod
    def over(cls, database: Database, clock: Clock, follow: OnEnd) -> Self:
        """All of them; `follow` queues what comes after a run that ended."""
        return cls(
            runs=RunHistory(database, clock, follow),
            recent=RecentRuns(database),
            near=NearRuns(database),
            looks=Looks(database),
            logs=LogHistory(database),
            processes=ProcessRegistry(database, clock, on_end=follow),
            revisions=RevisionHistory(database, clock),
            schedules=ScheduleHistory(database, clock),
            pauses=PauseHistory(database, clock),
            tokens=TokenStore(database, clock),
        )
