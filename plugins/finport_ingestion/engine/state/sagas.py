"""What dead runs left open, and what was taken back of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.state import leases
from finport_ingestion.engine.state.database import matches
from finport_ingestion.engine.state.keys import OPEN, Status, source_columns
from finport_ingestion.engine.state.leases import Worker
from finport_ingestion.engine.state.tables import LEASES, NO_BATCH, NOTES, RUNS, SAGAS, STEPS
from finport_ingestion.engine.step import Phase, RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaStep:
    """A step that was done."""

    name: str
    phase: Phase
    batch: int | None
    commit: str | None  # what it published
    compensated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saga:
    """A source's part of a run that is not closed."""

    run: RunKey
    source: str
    dataset: str
    status: Status
    reason: str | None
    opened_at: datetime
    done: tuple[SagaStep, ...]  # in the order in which they began
    workers: tuple[Worker, ...]  # of the steps that were begun and not ended
    keeper: Worker | None  # between steps: the process that does the whole run
    run_closed: bool
    lease_until: datetime | None  # None when the run holds the lease no more

    def is_dead(self, now: datetime) -> bool:
        """Whether nobody will go on with it: safe to take back what it did."""
        if self.status == Status.ABANDONED or self.lease_until is None:
            return True
        if self.workers:
            return all(worker.is_gone(now, run_closed=self.run_closed) for worker in self.workers)
        keeper_is_gone = self.keeper is not None and self.keeper.actor.runs() is False
        return self.run_closed or keeper_is_gone or self.lease_until <= now


def open_sagas(connection: Connection, *, workflow: str | None, source: str | None) -> list[Saga]:
    """All that are not closed, oldest first."""
    held = sa.and_(
        LEASES.c.source == SAGAS.c.source,
        LEASES.c.dataset == SAGAS.c.dataset,
        LEASES.c.workflow == SAGAS.c.workflow,
        LEASES.c.run_id == SAGAS.c.run_id,
    )
    of_run = sa.and_(RUNS.c.workflow == SAGAS.c.workflow, RUNS.c.run_id == SAGAS.c.run_id)
    query = (
        sa.select(SAGAS, RUNS.c.run_after, RUNS.c.ended_at, *LEASES.c["host", "pid", "process_start", "expires_at"])
        .select_from(SAGAS.join(RUNS, of_run).outerjoin(LEASES, held))
        .where(SAGAS.c.status.in_(OPEN))
        .order_by(SAGAS.c.opened_at, SAGAS.c.workflow, SAGAS.c.run_id, SAGAS.c.source)
    )
    for column, value in ((SAGAS.c.workflow, workflow), (SAGAS.c.source, source)):
        query = query if value is None else query.where(column == value)
    return [_saga(connection, row) for row in connection.execute(query).all()]


def mark_compensated(connection: Connection, saga: Saga, *, step: str, note: str, now: datetime) -> None:
    """Enter that the effect of a step was taken back."""
    key = {**source_columns(saga.run, saga.source), "step": step}
    done = sa.and_(matches(STEPS, key), STEPS.c.compensated_at.is_(None))
    connection.execute(sa.update(STEPS).where(done).values(compensated_at=now))
    about = {"phase": Phase.RUN, "batch": NO_BATCH, "try_number": 0, "at": now, "kind": "compensated", "text": note}
    connection.execute(sa.insert(NOTES).values({**key, **about}))


def batch_of(number: int) -> int | None:
    """A batch as the rest of the engine counts it."""
    return None if number == NO_BATCH else number


def _saga(connection: Connection, row: Row[Any]) -> Saga:
    run = RunKey(workflow=row.workflow, run_id=row.run_id, run_after=row.run_after)
    return Saga(
        run=run,
        source=row.source,
        dataset=row.dataset,
        status=Status(row.status),
        reason=row.reason,
        opened_at=row.opened_at,
        done=_done(connection, run, row.source),
        workers=leases.running(connection, run, row.source),
        keeper=leases.worker_of(row),
        run_closed=row.ended_at is not None,
        lease_until=row.expires_at,
    )


def _done(connection: Connection, run: RunKey, source: str) -> tuple[SagaStep, ...]:
    done = matches(STEPS, {**source_columns(run, source), "status": Status.SUCCEEDED})
    rows = connection.execute(sa.select(STEPS).where(done).order_by(STEPS.c.position)).all()
    return tuple(
        SagaStep(
            name=row.step,
            phase=Phase(row.phase),
            batch=batch_of(row.batch),
            commit=(row.result or {}).get("commit"),
            compensated_at=row.compensated_at,
        )
        for row in rows
    )
