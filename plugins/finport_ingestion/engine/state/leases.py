"""One lease for each (source, dataset): two runs never work on the same at the same time.

A lease is held by a run. It ends with the run's part of that source, and it is lost when nobody can be at work any
more: the processes of the running steps are gone, or the time of the lease is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.errors import LeaseHeld
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.database import add_new, matches
from finport_ingestion.engine.state.keys import OPEN, Driver, Status, StepKey, run_columns
from finport_ingestion.engine.state.tables import LEASES, NOTES, RUNS, SAGAS, STEPS
from finport_ingestion.engine.step import RunKey

GRACE = timedelta(minutes=2)
"""Beyond a step's timeout: for its end to be noticed and written, and for clocks that differ."""
BETWEEN_STEPS = timedelta(minutes=30)
"""How long a run may wait for its next step: a slot, or the delay before a retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that began a step, and until when it may be at it."""

    actor: Actor
    expires_at: datetime

    def is_gone(self, now: datetime, *, run_closed: bool) -> bool:
        """Whether nobody is at work. Of a run that was closed, only a process that is seen to live counts."""
        if self.expires_at <= now:
            return True
        runs = self.actor.runs()
        return runs is False or (run_closed and runs is None)


def take(connection: Connection, step: StepKey, *, worker: Worker, now: datetime) -> None:
    """Take or renew the lease for the step's run; what a dead holder left open is marked as abandoned.

    Raises:
        LeaseHeld: Another run is at work.
    """
    lease = lock(connection, step.source, step.dataset)
    ours = (lease.workflow, lease.run_id) == (step.run.workflow, step.run.run_id)
    if lease.run_id is not None and not ours:
        _give_up_the_dead(connection, lease, step=step, now=now)
    expires_at = max(lease.expires_at, worker.expires_at) if ours and lease.expires_at else worker.expires_at
    _change(connection, lease, {**run_columns(step.run), **actor_columns(worker.actor), "expires_at": expires_at})


def lock(connection: Connection, source: str, dataset: str) -> Row[Any]:
    """The lease, which nobody else changes until the transaction ends."""
    key = {"source": source, "dataset": dataset}
    add_new(connection, LEASES, key)
    return connection.execute(sa.select(LEASES).where(matches(LEASES, key)).with_for_update()).one()


def rest(connection: Connection, step: StepKey, *, driver: Driver, now: datetime) -> None:
    """A step is over: the lease waits for the next one, unless others of the run are at work still."""
    if running(connection, step.run, step.source):
        return
    # The process of a task ends with its step; that of the command line stays, and vouches for the run.
    nobody = {"host": None, "pid": None, "process_start": None} if driver == Driver.AIRFLOW else {}
    connection.execute(
        sa.update(LEASES)
        .where(matches(LEASES, {"source": step.source, "dataset": step.dataset, **run_columns(step.run)}))
        .values({**nobody, "expires_at": now + BETWEEN_STEPS})
    )


def release(connection: Connection, run: RunKey, *, source: str, dataset: str) -> None:
    """Give the lease back, if the run holds it. The row stays: it is what the next takers queue for."""
    lease = lock(connection, source, dataset)
    if (lease.workflow, lease.run_id) == (run.workflow, run.run_id):
        _change(connection, lease, {column.name: None for column in LEASES.columns if not column.primary_key})


def running(connection: Connection, run: RunKey, source: str) -> tuple[Worker, ...]:
    """The processes that began a step of the run on the source and have not ended it."""
    return _running(connection, {**run_columns(run), "source": source})


def actor_columns(actor: Actor) -> dict[str, Any]:
    """The columns that name a process."""
    return {"host": actor.host, "pid": actor.pid, "process_start": actor.process_start}


def worker_of(row: Row[Any]) -> Worker | None:
    """The process in a row of leases or steps, if one stands there."""
    if row.pid is None or row.expires_at is None:
        return None
    actor = Actor(host=row.host, pid=row.pid, process_start=row.process_start)
    return Worker(actor=actor, expires_at=row.expires_at)


def _running(connection: Connection, columns: dict[str, Any]) -> tuple[Worker, ...]:
    query = sa.select(STEPS).where(matches(STEPS, {**columns, "status": Status.RUNNING}))
    return tuple(worker for row in connection.execute(query) if (worker := worker_of(row)))


def _change(connection: Connection, lease: Row[Any], values: dict[str, Any]) -> None:
    key = {"source": lease.source, "dataset": lease.dataset}
    connection.execute(sa.update(LEASES).where(matches(LEASES, key)).values(values))


def _give_up_the_dead(connection: Connection, lease: Row[Any], *, step: StepKey, now: datetime) -> None:
    """Mark the holder's part as abandoned when nobody is at it; when it is closed there is nothing to give up."""
    columns = {"workflow": lease.workflow, "run_id": lease.run_id}
    saga = sa.and_(matches(SAGAS, {**columns, "source": lease.source}), SAGAS.c.status.in_(OPEN))
    if connection.execute(sa.select(SAGAS.c.status).where(saga)).scalar() is None:
        return
    reason = _gone_because(connection, lease, now=now)
    if reason is None:
        raise LeaseHeld(
            f"{step.source}: {lease.workflow}, run {lease.run_id}, works on it into '{step.dataset}', "
            f"at most until {lease.expires_at:%Y-%m-%d %H:%M} UTC.",
            hint="let it end; if its machine is gone for good, 'finport recover' takes over after that time",
        )
    taker = f"{step.run.workflow}, run {step.run.run_id}, took over"
    connection.execute(sa.update(SAGAS).where(saga).values(status=Status.ABANDONED, reason=reason))
    note = {"step": "", "phase": "", "batch": -1, "try_number": 0, "at": now, "kind": "abandoned"}
    connection.execute(
        sa.insert(NOTES).values({**columns, **note, "source": lease.source, "text": f"{reason}; {taker}"})
    )


def _gone_because(connection: Connection, lease: Row[Any], *, now: datetime) -> str | None:
    """Why nobody is at work for the holder, or None while somebody may be."""
    columns = {"workflow": lease.workflow, "run_id": lease.run_id}
    ended = connection.execute(sa.select(RUNS.c.ended_at).where(matches(RUNS, columns))).scalar()
    closed = ended is not None
    workers = _running(connection, {**columns, "source": lease.source})
    if workers:
        at_work = [worker for worker in workers if not worker.is_gone(now, run_closed=closed)]
        return None if at_work else "its process ended in the middle of a step, or the step's time is over"
    keeper = worker_of(lease)
    if closed or lease.expires_at <= now:
        return "its run ended" if closed else "its next step was not begun in time"
    return "its process ended between two steps" if keeper and keeper.actor.runs() is False else None
