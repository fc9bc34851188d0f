"""The composition root: which parts there are, and who gets which."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nomaflow import log
from nomaflow.catalogue.builtin import with_builtin_jobs
from nomaflow.catalogue.connections import Connections
from nomaflow.catalogue.home import APP_TOML, Home
from nomaflow.catalogue.load import jobs_in, load
from nomaflow.catalogue.model import STORE, Catalogue
from nomaflow.catalogue.replacing import replace_together
from nomaflow.catalogue.values.env_file import Variables
from nomaflow.catalogue.values.unsealing import Unsealing
from nomaflow.clock import Clock, SystemClock
from nomaflow.config import Environment, Settings, child_environment, system_timezone
from nomaflow.connectors.registry import Connectors, ConnectorTypes
from nomaflow.domain.events import RunFinished
from nomaflow.domain.job import Job, JobId
from nomaflow.domain.run import ProcessId, Run, RunOptions
from nomaflow.errors import InvalidConfiguration
from nomaflow.events.bus import Bus
from nomaflow.history.database import Database
from nomaflow.history.parts import HistoryParts
from nomaflow.maintenance.presence import Presence
from nomaflow.maintenance.pruner import PruneRuns
from nomaflow.maintenance.reconciler import Reconciler
from nomaflow.maintenance.watcher import FileWatcher
from nomaflow.queue.called import CalledRuns
from nomaflow.queue.executors.base import ExecutorParts
from nomaflow.queue.followers import Followers
from nomaflow.queue.limits import Limits
from nomaflow.queue.run_queue import RunQueue
from nomaflow.runner.bodies import Bodies
from nomaflow.runner.briefing import Briefing, BriefingParts
from nomaflow.runner.dry_run import DryRuns
from nomaflow.runner.hosts.event_loop import EventLoopHost
from nomaflow.runner.hosts.hosts import Hosts
from nomaflow.runner.hosts.inline import InlineHost
from nomaflow.runner.hosts.process import ProcessHost
from nomaflow.runner.hosts.thread import ThreadHost
from nomaflow.runner.parts import RunnerParts
from nomaflow.runner.record import RunWriter
from nomaflow.runner.runner import Runner
from nomaflow.scheduler.firing import Firing
from nomaflow.scheduler.scheduler import Scheduler
from nomaflow.security.keys import read_keys
from nomaflow.security.redaction import Redactor
from nomaflow.security.run_options import pack, unpack
from nomaflow.security.vault import Vault
from nomaflow.services.access import Access
from nomaflow.services.calls import Calls
from nomaflow.services.catalogue import CatalogueKeeper, CatalogueParts
from nomaflow.services.choices import Choices
from nomaflow.services.jobs import JobParts, Jobs
from nomaflow.services.parameters import Parameters
from nomaflow.services.pauses import Pauses
from nomaflow.services.preflight import Preflights
from nomaflow.services.progress import ProgressBoard
from nomaflow.services.repeats import Repeats
from nomaflow.services.revisions import Revisions
from nomaflow.services.runs import RunParts, Runs
from nomaflow.services.schedule import Schedule
from nomaflow.services.undo import Undo
from nomaflow.services.why import Why
from nomaflow.steps.call_job import CallJobStep
from nomaflow.steps.registry import StepTypes
from nomaflow.tracing import current_parent, wanted_provider

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class App:
    """One instance: a home folder's catalogue, its store, and the actors that work on them.

    Nothing is opened before `store()`, nothing executes before its lifecycle begins. Once `hurry`
    is set, a stop waits no more for the runs in flight: they are canceled.
    """

    def __init__(self, home: Home, environment: Environment, clock: Clock) -> None:
        self.home = home
        self.clock = clock
        self.bus = Bus()
        self.redactor = Redactor()
        self.watcher = FileWatcher(home.declarations, lambda: self.catalogue_keeper.reload())
        self.types = StepTypes.discover()
        self.connector_types = ConnectorTypes.discover()
        self.catalogue = with_builtin_jobs(load(home, self.types, self.connector_types))
        keys = read_keys(home.master_key, environment.master_key)
        for key in keys:
            self.redactor.add(key.text)
        self.vault = Vault(keys)
        self.unsealing = Unsealing(self.vault, self.redactor)
        self.env = Variables(home.env_file, child_environment(), self.redactor.add)
        self.connections = Connections(self._catalogue, self.unsealing, self.env)
        self.zone = self.settings.scheduler.timezone or system_timezone()
        self.hurry = asyncio.Event()
        self.is_ready = False
        self.keeps_schedules = False

    @classmethod
    def build(
        cls,
        path: Path,
        environment: Environment | None = None,
        clock: Clock | None = None,
    ) -> "App":
        """Read the home folder. Raises SecretsError for a wrong key.

        Broken jobs and connectors are left out; a broken app.toml raises InvalidConfiguration,
        because half of the settings is not what anybody asked for.
        """
        app = cls(Home(path), environment or Environment.read(), clock or SystemClock())
        if wrong := [problem for problem in app.catalogue.problems if problem.file == APP_TOML]:
            raise InvalidConfiguration(wrong)
        app._configure_log()
        if app.settings.secrets.canary is not None:
            app.vault.check_canary(app.settings.secrets.canary)
        return app

    @property
    def settings(self) -> Settings:
        return self.catalogue.settings

    @property
    def process_id(self) -> ProcessId:
        """How the store knows this process; it changes when it was taken for dead."""
        return self.presence.process_id

    @asynccontextmanager
    async def store(self) -> AsyncIterator[None]:
        """The store is open and its schema up to date. Raises Unreachable."""
        try:
            await self.database.migrate()
            yield
        finally:
            await self.database.close()

    async def has_server(self) -> bool:
        """Whether a server that executes runs lives on this store. Inside `store()`."""
        silent = self.settings.runner.dead_after_seconds
        return bool(await self.stored.processes.living("server", silent_seconds=silent))

    @cached_property
    def database(self) -> Database:
        pool = self.connections.pool(STORE)
        self.home.make_data()
        return Database.open(pool.url, password=pool.password)

    @cached_property
    def queue(self) -> RunQueue:
        return RunQueue(
            self.database,
            self.clock,
            followers=Followers(
                lambda: self.catalogue.followers,
                lambda job_id: self.catalogue_keeper.known_revision_of(job_id),
            ),
            limits=lambda: Limits(self.settings.limits, self.catalogue.limited),
            on_ended=lambda run_id: self.bus.publish(RunFinished(run_id)),
        )

    @cached_property
    def stored(self) -> HistoryParts:
        return HistoryParts.over(self.database, self.clock, self.queue.follow)

    @cached_property
    def revisions(self) -> Revisions:
        return Revisions(self.stored.revisions, self.catalogue_keeper)

    @cached_property
    def access(self) -> Access:
        return Access(self.stored.tokens, self.redactor, self.clock)

    @cached_property
    def catalogue_keeper(self) -> CatalogueKeeper:
        return CatalogueKeeper(
            CatalogueParts(
                in_force=self._catalogue,
                read=lambda texts: load(self.home, self.types, self.connector_types, texts),
                replace=lambda file, text: replace_together({self.home.path / file: text}),
                jobs_in=lambda text, catalogue: jobs_in(text, catalogue, self.types),
                swap=self._swap,
                rearm=self._rearm,
                revisions=self.stored.revisions,
                bus=self.bus,
            )
        )

    @cached_property
    def run_parts(self) -> RunParts:
        return RunParts(
            queue=self.queue,
            history=self.stored.runs,
            logs=self.stored.logs,
            bus=self.bus,
            job=lambda job_id: self.catalogue.job(job_id),
            revision=self.catalogue_keeper.revision_of,
            pack=lambda options: pack(options, self.vault),
            fitted=self.parameters.fitted,
            trace_parent=lambda: current_parent() if self.tracer_provider else None,
        )

    @cached_property
    def tracer_provider(self) -> "TracerProvider | None":
        """Where traces go; None when nobody wants them."""
        return wanted_provider(self.settings.traces)

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters(lambda job_id: self.catalogue.job(job_id), self.step_types)

    @cached_property
    def choices(self) -> Choices:
        return Choices(self._catalogue, self.connectors.get, self.redactor.redact)

    @cached_property
    def preflights(self) -> Preflights:
        dry_runs = DryRuns(self._brief, self.hosts, self.clock)
        return Preflights(self._catalogue, self.step_types, dry_runs.of, self.redactor.redact_value)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.run_parts)

    @cached_property
    def called_runs(self) -> CalledRuns:
        return CalledRuns()

    @cached_property
    def calls(self) -> Calls:
        return Calls(
            lambda: self.runs, self.stored.runs, self.called_runs, lambda: self.process_id, self.bus
        )

    @cached_property
    def repeats(self) -> Repeats:
        return Repeats(self.run_parts, self.catalogue_keeper.definition_of, self.options_of)

    @cached_property
    def undo(self) -> Undo:
        return Undo(self.stored.runs, self.connectors.get, self.clock)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(
            JobParts(
                catalogue=self._catalogue,
                history=self.stored.runs,
                recent=self.stored.recent,
                progress=ProgressBoard(self.bus),
                next_due=self._next_due,
                alarm=self.reconciler.alarm,
                mask=self.redactor.redact_value,
            )
        )

    @cached_property
    def presence(self) -> Presence:
        silent = self.settings.runner.dead_after_seconds
        return Presence(
            self.stored.processes,
            self.bus,
            self.clock,
            resumes=self._resumes,
            dead_after_seconds=silent,
        )

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(
            clock=self.clock,
            history=self.stored.runs,
            jobs=lambda: self.catalogue.jobs.values(),
            next_due=self.firing.next_due,
            zone=self.zone,
        )

    @cached_property
    def run_writer(self) -> RunWriter:
        most = self.settings.log.max_run_bytes
        return RunWriter(self.stored.runs, self.bus, self.redactor.redact, most_log_bytes=most)

    @cached_property
    def pauses(self) -> Pauses:
        return Pauses(self.stored.pauses, self._catalogue, self.clock)

    @cached_property
    def why(self) -> Why:
        return Why(self._catalogue, self.stored.near, self.firing, self.clock)

    @cached_property
    def bodies(self) -> Bodies:
        return Bodies(self.home.data / "bodies")

    @cached_property
    def connectors(self) -> Connectors:
        return Connectors(self.connections.settings, self.connector_types)

    @cached_property
    def step_types(self) -> StepTypes:
        """What jobs may use, and what only the engine's own jobs do."""
        own = (CallJobStep(self.calls), PruneRuns(self.database, self.clock))
        return StepTypes({**self.types, **{kind.name: kind for kind in own}})

    @cached_property
    def hosts(self) -> Hosts:
        runner = self.settings.runner
        threads = ThreadHost(self.connectors, grace_seconds=runner.grace_seconds)
        return Hosts(
            self.step_types,
            {
                "thread": threads,
                "inline": InlineHost(threads, self.home.plugins),
                "event_loop": EventLoopHost(
                    self.connectors,
                    grace_seconds=2 * runner.grace_seconds,  # a called run has one of its own
                ),
                "process": ProcessHost(
                    self.connections.settings,
                    plugins=self.home.plugins,
                    environment=child_environment(),
                    size=runner.max_processes,
                    grace_seconds=runner.grace_seconds,
                ),
            },
        )

    @cached_property
    def runner(self) -> Runner:
        return Runner(self._runner_parts(), lambda: self.process_id)

    @cached_property
    def firing(self) -> Firing:
        return Firing(
            catalogue=self._catalogue,
            queue=self.queue,
            bus=self.bus,
            schedules=self.stored.schedules,
            pause_history=self.stored.pauses,
            zone=self.zone,
            pack=lambda options: pack(options, self.vault),
            revision=self.catalogue_keeper.revision_of,
        )

    @cached_property
    def scheduler(self) -> Scheduler:
        return Scheduler(self.clock, self.firing)

    @cached_property
    def reconciler(self) -> Reconciler:
        return Reconciler(
            clock=self.clock,
            jobs=lambda: self.catalogue.jobs.values(),
            armed=self.scheduler.next_due,
            expected=self.firing.next_due,
        )

    def executor_parts(self, *, takes_any: bool) -> ExecutorParts:
        """What an executor works with; `takes_any` if it also stays for runs of others."""
        return ExecutorParts(
            queue=self.queue,
            bus=self.bus,
            clock=self.clock,
            owner=self.presence.claimant,
            slots=self.settings.runner.max_concurrent_runs,
            takes_any=takes_any,
            called=self.called_runs,
        )

    def _runner_parts(self) -> RunnerParts:
        return RunnerParts(
            clock=self.clock,
            bus=self.bus,
            queue=self.queue,
            history=self.stored.runs,
            writer=self.run_writer,
            hosts=self.hosts,
            bodies=self.bodies,
            job=self.catalogue_keeper.definition_of,
            options=self.options_of,
            brief=self._brief,
            redact_text=self.redactor.redact,
            redact_value=self.redactor.redact_value,
            chance=random.random,
        )

    def _brief(
        self, run: Run, job: Job, options: RunOptions, previous_success_at: datetime | None
    ) -> Briefing:
        parts = BriefingParts(
            types=self.step_types,
            env=self.env,
            zone=self.zone,
            unsealing=self.unsealing,
            egress=self.connections.egress,
            body_file=self.bodies.file_of,
        )
        return Briefing(parts, run, job, options, previous_success_at)

    def options_of(self, run: Run) -> RunOptions:
        return unpack(run.options, self.vault)

    def _resumes(self, job_id: JobId) -> bool:
        job = self.catalogue.jobs.get(job_id)
        return job is not None and job.on_crash == "resume"

    def _catalogue(self) -> Catalogue:
        return self.catalogue

    def _next_due(self, job: Job) -> datetime | None:
        return self.firing.next_due(job, self.clock.now())

    def _swap(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    async def _rearm(self) -> None:
        if self.keeps_schedules:
            await self.scheduler.reload()

    def _configure_log(self) -> None:
        wanted = self.settings.log
        log.configure(
            level=wanted.level, as_json=wanted.format == "json", redact=self.redactor.redact
        )
