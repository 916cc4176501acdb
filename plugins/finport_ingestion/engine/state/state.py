"""The state database as the drivers and the command line use it: each method is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.clock import Clock
from finport_ingestion.engine.records import Fingerprint, Publication, StepResult, Watermark
from finport_ingestion.engine.state import (
    checkpoints,
    delivered,
    ledger,
    memory,
    outbox,
    publications,
    reading,
    retention,
    sagas,
    schema,
    steps,
)
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.apis import Apis
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.delivered import EventRow
from finport_ingestion.engine.state.keys import Driver, Status, StepKey
from finport_ingestion.engine.state.leases import GRACE, Worker
from finport_ingestion.engine.state.outbox import Fact, WaitingEvent
from finport_ingestion.engine.state.reading import Note, RunRow, Skip, SourceOverview, StepRow
from finport_ingestion.engine.state.retention import Pruned
from finport_ingestion.engine.state.sagas import Saga
from finport_ingestion.engine.state.schema import Versioned
from finport_ingestion.engine.state.tokens import StateTokens
from finport_ingestion.engine.step import RunKey

if TYPE_CHECKING:
    from sqlalchemy.engine import URL


class State:
    """What the project remembers. Safe to make before a fork; every method may be called from many processes.

    Every method raises StateUnavailable when the database does not answer, SchemaOutdated when it is of another one.
    """

    def __init__(self, url: str | URL, clock: Clock) -> None:
        self._base = Versioned(Database(url))
        self._clock = clock
        self.apis = Apis(self._base, clock)
        self.tokens = StateTokens(self._base, clock)

    def __str__(self) -> str:
        return str(self._base.database)

    # The database itself.

    def upgrade(self) -> None:
        """Make the database, or bring it to this package's version."""
        schema.upgrade(self._base.database)

    def check(self) -> None:
        """Raise unless the database answers and is of this package's version."""
        schema.check(self._base.database)

    def reset(self) -> None:
        """Drop all content."""
        with self._base.write() as connection:
            schema.empty(connection)

    def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        """Remove what ended before a moment; with `dry_run`, only say how much that would be."""
        with self._base.write() as connection:
            pruned = retention.prune(connection, before=before, now=self._clock.now())
            if dry_run:
                connection.rollback()
            return pruned

    # Runs.

    def pin_plan(self, run: RunKey, plan_json: bytes, digest: str) -> bytes:
        """Bind the run to a plan; the first one wins and is returned."""
        with self._base.write() as connection:
            return ledger.pin(connection, run, plan_json=plan_json, digest=digest, now=self._clock.now())

    def pinned_plan(self, run: RunKey) -> bytes | None:
        """The plan that the run is bound to."""
        with self._base.read() as connection:
            return ledger.pinned(connection, run)

    def open_run(
        self,
        run: RunKey,
        *,
        trigger: str,
        flags: Mapping[str, Any],
        driver: Driver | str,
        started_at: datetime,
        events: Sequence[Fact] = (),
    ) -> datetime:
        """Enter a run unless it is there; when it began first, which is the origin of its deadline."""
        with self._base.write() as connection:
            began = ledger.open_run(
                connection, run, trigger=trigger, flags=flags, driver=Driver(driver), started_at=started_at
            )
            outbox.add(connection, events, run=run)
            return began

    def restart_run(self, run: RunKey) -> datetime:
        """A cleared run begins again with all of its time; that beginning."""
        with self._base.write() as connection:
            return ledger.restart(connection, run, now=self._clock.now())

    def close_run(self, run: RunKey, status: Status | str, events: Sequence[Fact] = ()) -> None:
        """Enter how the run ended (succeeded, failed, skipped). The first end counts, until work begins again."""
        with self._base.write() as connection:
            if ledger.close(connection, run, status=Status(status), now=self._clock.now()):
                outbox.add(connection, events, run=run)

    # Steps.

    def begin_step(self, step: StepKey, *, try_number: int, timeout_seconds: float, actor: Actor) -> None:
        """Take or renew the lease on (source, dataset), and enter the step as running.

        Raises:
            LeaseHeld: Another run works on the same.
        """
        now = self._clock.now()
        worker = Worker(actor=actor, expires_at=now + timedelta(seconds=timeout_seconds) + GRACE)
        with self._base.write() as connection:
            steps.begin(connection, step, try_number=try_number, worker=worker, now=now)

    def finish_step(
        self, step: StepKey, result: StepResult, events: Sequence[Fact] = (), *, provides: Sequence[str] = ()
    ) -> None:
        """Enter a step that is done, what it published and the events that tell of it. May be repeated.

        Args:
            provides: Assets that its publication updates, beside the dataset.

        Raises:
            LeaseHeld: The source's part of the run was closed meanwhile, and this step has published something.
        """
        now = self._clock.now()
        with self._base.write() as connection:
            if steps.finish(connection, step, result=result, now=now) and result.publication is not None:
                publications.record(connection, result.publication, provides=provides, now=now)
            outbox.add(connection, events, run=step.run)

    def skip_step(self, step: StepKey, reason: str, events: Sequence[Fact] = ()) -> None:
        """Enter that a step, begun or not, had nothing to do."""
        with self._base.write() as connection:
            steps.skip(connection, step, reason=reason, now=self._clock.now())
            outbox.add(connection, events, run=step.run)

    def fail_step(self, step: StepKey, kind: str, message: str, *, final: bool, events: Sequence[Fact] = ()) -> None:
        """Enter a try that failed: for good, or to be tried again."""
        with self._base.write() as connection:
            steps.fail(connection, step, kind=kind, message=message, final=final, now=self._clock.now())
            outbox.add(connection, events, run=step.run)

    def record_decision(self, step: StepKey, decision: str) -> None:
        """Add to the step's story why it is tried again, or not."""
        with self._base.write() as connection:
            steps.note(connection, step, kind="decision", text=decision, now=self._clock.now())

    def finish_source(
        self,
        run: RunKey,
        source: str,
        dataset: str,
        status: Status | str,
        reason: str | None = None,
        events: Sequence[Fact] = (),
    ) -> None:
        """Close the source's part of the run (succeeded, failed, skipped) and give its lease back."""
        with self._base.write() as connection:
            values = {"status": Status(status), "reason": reason, "closed_at": self._clock.now()}
            steps.finish_source(connection, run, source, dataset=dataset, values=values)
            outbox.add(connection, events, run=run)

    def save_checkpoint(self, step: StepKey, name: str, value: Any) -> None:
        """Keep a value of plain JSON over the tries of a step."""
        with self._base.write() as connection:
            checkpoints.save(connection, step, name, value=value, now=self._clock.now())

    def load_checkpoint(self, step: StepKey, name: str) -> Any:
        """What was kept last under that name, or None."""
        with self._base.read() as connection:
            return checkpoints.load(connection, step, name)

    # Recovery.

    def open_sagas(self, workflow: str | None = None, source: str | None = None) -> list[Saga]:
        """The sources' parts of runs that nobody has closed, oldest first."""
        with self._base.read() as connection:
            return sagas.open_sagas(connection, workflow=workflow, source=source)

    def mark_compensated(self, saga: Saga, step: str, note: str) -> None:
        """Enter that the effect of a step was taken back."""
        with self._base.write() as connection:
            sagas.mark_compensated(connection, saga, step=step, note=note, now=self._clock.now())

    def forget_publication(self, source: str, dataset: str, run_id: str) -> int:
        """After a retract: what stood before the run's publications holds again; how many they were."""
        with self._base.write() as connection:
            return publications.forget(connection, source, dataset, run_id=run_id)

    def rebuild(self, source: str, dataset: str, log: Iterable[Publication]) -> None:
        """Make publications, fingerprints and watermark again from the store's commit log (all of it, oldest first)."""
        with self._base.write() as connection:
            publications.rebuild(connection, source, dataset, log=log, now=self._clock.now())

    # What a step may ask (engine/step.py, Memory).

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        """What is published now, by item id."""
        with self._base.read() as connection:
            return memory.fingerprints(connection, source, dataset)

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        """Where the last publication of the source stands."""
        with self._base.read() as connection:
            return memory.watermark(connection, source, dataset)

    def published_at(self, source: str, dataset: str) -> datetime | None:
        """When the source last published into the dataset."""
        with self._base.read() as connection:
            return memory.published_at(connection, source, dataset)

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        """When any source last published into the dataset or asset of that name."""
        with self._base.read() as connection:
            return memory.updated_at(connection, dataset)

    # The outbox (engine/events/relay.py).

    def announce(self, events: Sequence[Fact], run: RunKey | None = None) -> None:
        """Write events that tell of no change in here, such as an agent's health."""
        with self._base.write() as connection:
            outbox.add(connection, events, run=run)

    def claim_events(self, relay: str, limit: int) -> list[WaitingEvent]:
        """The oldest events that wait for a relay, kept from other processes for a minute."""
        with self._base.write() as connection:
            return outbox.claim(connection, relay, limit=limit, now=self._clock.now())

    def confirm_events(self, relay: str, events: Sequence[WaitingEvent]) -> None:
        """The relay has sent them."""
        with self._base.write() as connection:
            outbox.confirm(connection, relay, events, now=self._clock.now())

    def return_events(self, relay: str, events: Sequence[WaitingEvent], error: str) -> None:
        """The relay could not send them; they wait again."""
        with self._base.write() as connection:
            outbox.give_back(connection, relay, events, error=error)

    def backlog(self) -> Mapping[str, int]:
        """How many events wait, by relay."""
        with self._base.read() as connection:
            return outbox.backlog(connection)

    # What a person may ask.

    def runs(self, limit: int = 20, workflow: str | None = None) -> list[RunRow]:
        """The latest runs, newest first."""
        with self._base.read() as connection:
            return reading.runs(connection, limit=limit, workflow=workflow)

    def run(self, run_id: str) -> RunRow:
        """The run of that id, or the only one whose id begins so (`workflow/run id` is understood too).

        Raises:
            PermanentError: None or several; lists them, or the nearest.
        """
        with self._base.read() as connection:
            return reading.run(connection, run_id)

    def steps(self, run_id: str) -> list[StepRow]:
        """The steps of a run, by source and then in order."""
        with self._base.read() as connection:
            return reading.steps(connection, reading.run(connection, run_id).key)

    def source_notes(self, run_id: str) -> Mapping[str, tuple[Note, ...]]:
        """By source, that a run was abandoned and what was taken back of it."""
        with self._base.read() as connection:
            return reading.source_notes(connection, reading.run(connection, run_id).key)

    def events(self, run_id: str) -> list[EventRow]:
        """What was told of a run, oldest first."""
        with self._base.read() as connection:
            return delivered.events(connection, reading.run(connection, run_id).key)

    def skips(self, limit: int = 50, source: str | None = None) -> list[Skip]:
        """What was skipped lately and why, newest first."""
        with self._base.read() as connection:
            return reading.skips(connection, limit=limit, source=source)

    def sources_overview(self) -> list[SourceOverview]:
        """The last run and the last publication of each source."""
        with self._base.read() as connection:
            return reading.sources_overview(connection)
