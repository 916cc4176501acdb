"""Runs of workflows: the plan that each is pinned to, when it began, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.state.database import add_new, matches
from finport_ingestion.engine.state.keys import Driver, Status, run_columns
from finport_ingestion.engine.state.tables import PINS, PLANS, RUNS
from finport_ingestion.engine.step import RunKey


def pin(connection: Connection, run: RunKey, *, plan_json: bytes, digest: str, now: datetime) -> bytes:
    """Bind the run to a plan unless it is bound already; the plan that it is bound to."""
    add_new(connection, PLANS, {"digest": digest, "content": plan_json})
    add_new(connection, PINS, {**run_columns(run), "digest": digest, "pinned_at": now})
    content = pinned(connection, run)
    if content is None:
        raise PermanentError(f"the plan of run {run.run_id} was removed while it was pinned.", hint="start it again")
    return content


def pinned(connection: Connection, run: RunKey) -> bytes | None:
    """The plan that the run is bound to, as JSON."""
    joined = PINS.join(PLANS, PINS.c.digest == PLANS.c.digest)
    query = sa.select(PLANS.c.content).select_from(joined).where(matches(PINS, run_columns(run)))
    content: bytes | None = connection.execute(query).scalar()
    return content


def open_run(
    connection: Connection,
    run: RunKey,
    *,
    trigger: str,
    flags: Mapping[str, Any],
    driver: Driver,
    started_at: datetime,
) -> datetime:
    """Enter the run unless it is there; when it began, which is the origin of its deadline."""
    values = {
        **run_columns(run),
        "run_after": run.run_after,
        "trigger": trigger,
        "flags": dict(flags),
        "driver": driver,
        "status": Status.RUNNING,
        "started_at": started_at,
    }
    add_new(connection, RUNS, values)
    began: datetime = run_row(connection, run).started_at
    return began


def restart(connection: Connection, run: RunKey, *, now: datetime) -> datetime:
    """A cleared run begins again, with all of its time."""
    run_row(connection, run)
    values = {"started_at": now, "status": Status.RUNNING, "ended_at": None}
    connection.execute(sa.update(RUNS).where(matches(RUNS, run_columns(run))).values(values))
    return now


def reopen(connection: Connection, run: RunKey) -> None:
    """Work goes on in a run that was closed: another DAG of it, or a task that was cleared."""
    closed = sa.and_(matches(RUNS, run_columns(run)), RUNS.c.ended_at.is_not(None))
    connection.execute(sa.update(RUNS).where(closed).values(status=Status.RUNNING, ended_at=None))


def close(connection: Connection, run: RunKey, *, status: Status, now: datetime) -> bool:
    """Enter the end of the run; whether it was open."""
    run_row(connection, run)
    still_open = sa.and_(matches(RUNS, run_columns(run)), RUNS.c.ended_at.is_(None))
    return connection.execute(sa.update(RUNS).where(still_open).values(status=status, ended_at=now)).rowcount == 1


def run_row(connection: Connection, run: RunKey) -> Row[Any]:
    """The run's row.

    Raises:
        PermanentError: There is none: it was never opened, or the state was emptied since.
    """
    row = connection.execute(sa.select(RUNS).where(matches(RUNS, run_columns(run)))).one_or_none()
    if row is None:
        raise PermanentError(
            f"{run.workflow}: run {run.run_id} is not in the ledger.",
            hint="the state was emptied or replaced while it ran; start the run again",
        )
    return row
