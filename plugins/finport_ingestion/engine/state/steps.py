"""The saga of a source's run, step by step: begun, done, skipped, failed, and the notes on the way."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.errors import LeaseHeld, PermanentError
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state import leases, ledger
from finport_ingestion.engine.state.database import add_new, matches, upsert
from finport_ingestion.engine.state.keys import OPEN, Driver, Status, StepKey, source_columns
from finport_ingestion.engine.state.leases import Worker, actor_columns
from finport_ingestion.engine.state.tables import NOTES, SAGAS, STEPS
from finport_ingestion.engine.step import RunKey

_UNFINISHED = {"ended_at": None, "result": None, "error_kind": None, "reason": None, "compensated_at": None}
_NOBODY = {"host": None, "pid": None, "process_start": None, "expires_at": None}
_NOT_KEPT = ("publication", "schema")  # they have tables and events of their own


def begin(connection: Connection, step: StepKey, *, try_number: int, worker: Worker, now: datetime) -> None:
    """Take the lease and enter the step as running; a finish of an earlier try is cleared."""
    ledger.run_row(connection, step.run)
    leases.take(connection, step, worker=worker, now=now)
    ledger.reopen(connection, step.run)
    _open_saga(connection, step, now=now)
    values = {
        **step.columns(),
        **_UNFINISHED,
        **actor_columns(worker.actor),
        "dataset": step.dataset,
        "position": _next_position(connection, step),
        "status": Status.RUNNING,
        "try_number": try_number,
        "started_at": now,
        "expires_at": worker.expires_at,
    }
    upsert(connection, STEPS, [values], keep=("position",))


def finish(connection: Connection, step: StepKey, *, result: StepResult, now: datetime) -> bool:
    """Enter the step as done; False when it stood so already.

    What is in the store is entered also when the lease is lost: whoever settles the run has not looked at it yet. Once
    the run is settled it is too late.

    Raises:
        LeaseHeld: The source's part of the run was closed meanwhile, and this step has published something.
    """
    leases.lock(connection, step.source, step.dataset)
    if _status(connection, step) == Status.SUCCEEDED:
        return False
    if result.publication is not None and not _is_open(connection, step.run, step.source):
        raise LeaseHeld(
            f"{step.source}: this run was settled while step '{step.step}' was at work; what it stored is not lost.",
            hint="the next try finds it in the store and goes on",
        )
    _end(connection, step, {"status": Status.SUCCEEDED, "result": _facts(result), "ended_at": now})
    _rest(connection, step, now=now)
    return True


def skip(connection: Connection, step: StepKey, *, reason: str, now: datetime) -> None:
    """Enter that there was nothing to do; the step need not have begun."""
    _end_perhaps_unbegun(connection, step, {"status": Status.SKIPPED, "reason": reason, "ended_at": now})
    _rest(connection, step, now=now)


def fail(connection: Connection, step: StepKey, *, kind: str, message: str, final: bool, now: datetime) -> None:
    """Enter a try that failed, for good or to be tried again; it may have failed to begin (LeaseHeld)."""
    status = Status.FAILED if final else Status.RETRYING
    values = {"status": status, "error_kind": kind, "reason": message, "ended_at": now}
    _end_perhaps_unbegun(connection, step, values)
    note(connection, step, kind="failed", text=f"{kind}: {message}", now=now)
    _rest(connection, step, now=now)


def note(connection: Connection, step: StepKey, *, kind: str, text: str, now: datetime) -> None:
    """Add a sentence to the step's story."""
    query = sa.select(STEPS.c.try_number).where(matches(STEPS, step.columns()))
    try_number = connection.execute(query).scalar() or 0
    values = {**step.columns(), "try_number": try_number, "at": now, "kind": kind, "text": text}
    connection.execute(sa.insert(NOTES).values(values))


def finish_source(connection: Connection, run: RunKey, source: str, *, dataset: str, values: dict[str, Any]) -> None:
    """Close the source's part of the run with `values` (status, reason, closed_at) and give the lease back."""
    leases.release(connection, run, source=source, dataset=dataset)
    key = source_columns(run, source)
    opened = {**key, "dataset": dataset, "opened_at": values["closed_at"], **values}
    if not add_new(connection, SAGAS, opened):
        connection.execute(sa.update(SAGAS).where(matches(SAGAS, key)).values(values))
    _bury(connection, run, source, now=values["closed_at"])


def result_of(facts: dict[str, Any]) -> StepResult:
    """What a step reported, without its publication and schema."""
    names = {field.name for field in dataclasses.fields(StepResult)}
    kept = {name: value for name, value in facts.items() if name in names}
    return StepResult(**{**kept, "notes": tuple(kept.get("notes", ()))})


def _facts(result: StepResult) -> dict[str, Any]:
    fields = (field.name for field in dataclasses.fields(StepResult) if field.name not in _NOT_KEPT)
    facts: dict[str, Any] = {name: getattr(result, name) for name in fields}
    if result.publication is not None:
        facts["commit"] = result.publication.commit
    return facts


def _is_open(connection: Connection, run: RunKey, source: str) -> bool:
    query = sa.select(SAGAS.c.status).where(matches(SAGAS, source_columns(run, source)))
    return connection.execute(query).scalar() in OPEN


def _open_saga(connection: Connection, step: StepKey, *, now: datetime) -> None:
    key = source_columns(step.run, step.source)
    values = {**key, "dataset": step.dataset, "status": Status.RUNNING, "opened_at": now}
    if not add_new(connection, SAGAS, values):
        again = {"status": Status.RUNNING, "reason": None, "closed_at": None}
        connection.execute(sa.update(SAGAS).where(matches(SAGAS, key)).values(again))


def _next_position(connection: Connection, step: StepKey) -> int:
    """Steps stand in the order of their first try, which compensation goes back along."""
    query = sa.select(sa.func.max(STEPS.c.position)).where(matches(STEPS, source_columns(step.run, step.source)))
    return int(connection.execute(query).scalar() or 0) + 1


def _status(connection: Connection, step: StepKey) -> str:
    status = connection.execute(sa.select(STEPS.c.status).where(matches(STEPS, step.columns()))).scalar()
    if status is None:
        raise PermanentError(
            f"{step.source}: step '{step.step}' of run {step.run.run_id} ended, but the ledger has no beginning of it.",
            hint="the state was emptied or replaced while it ran; start the run again",
        )
    return str(status)


def _end(connection: Connection, step: StepKey, values: dict[str, Any]) -> None:
    cleared = {**_UNFINISHED, **_NOBODY, **values}
    connection.execute(sa.update(STEPS).where(matches(STEPS, step.columns())).values(cleared))


def _end_perhaps_unbegun(connection: Connection, step: StepKey, values: dict[str, Any]) -> None:
    key = {**step.columns(), "dataset": step.dataset, "position": _next_position(connection, step), "try_number": 1}
    if not add_new(connection, STEPS, {**key, **values}):
        _end(connection, step, values)


def _rest(connection: Connection, step: StepKey, *, now: datetime) -> None:
    driver = Driver(ledger.run_row(connection, step.run).driver)
    leases.rest(connection, step, driver=driver, now=now)


def _bury(connection: Connection, run: RunKey, source: str, *, now: datetime) -> None:
    """Steps that nobody can be at any more get their end written for them."""
    key = {**source_columns(run, source), "status": Status.RUNNING}
    for row in connection.execute(sa.select(STEPS).where(matches(STEPS, key))).all():
        worker = leases.worker_of(row)
        if worker is not None and not worker.is_gone(now, run_closed=False):
            continue
        found = {name: getattr(row, name) for name in ("workflow", "run_id", "source", "step", "phase", "batch")}
        values = {"status": Status.FAILED, "error_kind": "Abandoned", "ended_at": now, **_NOBODY}
        reason = "its process ended without a word"
        connection.execute(sa.update(STEPS).where(matches(STEPS, found)).values({**values, "reason": reason}))
