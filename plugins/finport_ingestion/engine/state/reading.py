"""What a person may ask the ledger: runs, their steps and events, and how each source stands."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.database import matches
from finport_ingestion.engine.state.keys import Status, run_columns
from finport_ingestion.engine.state.sagas import batch_of
from finport_ingestion.engine.state.steps import result_of
from finport_ingestion.engine.state.tables import NOTES, PINS, PUBLICATIONS, RUNS, SAGAS, STEPS
from finport_ingestion.engine.step import Phase, RunKey

_NEAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """How a source fared in a run."""

    source: str
    dataset: str
    status: Status
    reason: str | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run of a workflow."""

    key: RunKey
    trigger: str
    flags: Mapping[str, Any]
    driver: str
    status: Status
    started_at: datetime
    ended_at: datetime | None
    plan: str | None  # digest
    sources: tuple[SourceOutcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence of a step's story: a try that failed, a decision, a compensation."""

    at: datetime
    kind: str  # failed, decision, abandoned, compensated
    try_number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step of a run, with what it reported."""

    source: str
    dataset: str
    step: str
    phase: Phase
    batch: int | None
    status: Status
    try_number: int
    started_at: datetime | None
    ended_at: datetime | None
    result: StepResult | None  # without publication and schema
    commit: str | None  # what it published
    error_kind: str | None
    reason: str | None  # why it failed or was skipped
    compensated_at: datetime | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOverview:
    """How a source stands: its last run, and its last publication into that run's dataset."""

    source: str
    dataset: str
    workflow: str
    run_id: str
    status: Status
    reason: str | None
    ran_at: datetime
    published_at: datetime | None
    storage: str | None
    commit: str | None
    row_count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A step (or, where `step` is empty, a whole source) that had nothing to do."""

    workflow: str
    run_id: str
    source: str
    step: str
    at: datetime
    reason: str


def runs(connection: Connection, *, limit: int, workflow: str | None) -> list[RunRow]:
    """The latest runs, newest first."""
    query = _runs().order_by(RUNS.c.started_at.desc(), RUNS.c.workflow, RUNS.c.run_id).limit(limit)
    query = query if workflow is None else query.where(RUNS.c.workflow == workflow)
    return [_run(connection, row) for row in connection.execute(query).all()]


def run(connection: Connection, name: str) -> RunRow:
    """The run whose id is `name` or begins so; `workflow/run id` tells runs of the same id apart.

    Raises:
        PermanentError: None or several are; the message lists them, or the nearest.
    """
    key = RUNS.c.run_id
    full = RUNS.c.workflow + "/" + RUNS.c.run_id
    for condition in (sa.or_(key == name, full == name), sa.or_(_begins(key, name), _begins(full, name))):
        found = connection.execute(_runs().where(condition).order_by(RUNS.c.started_at.desc()).limit(_NEAR)).all()
        if len(found) == 1:
            return _run(connection, found[0])
        if found:
            known = ", ".join(f"{row.workflow}/{row.run_id}" for row in found)
            raise PermanentError(f"several runs are called '{name}'.", hint=f"name one of {known}")
    raise PermanentError(f"no run is called '{name}'.", hint=_nearest(connection, name))


def steps(connection: Connection, of: RunKey) -> list[StepRow]:
    """The steps of a run, by source, in the order in which they were first begun."""
    notes: dict[tuple[Any, ...], list[Note]] = {}
    for row in connection.execute(sa.select(NOTES).where(matches(NOTES, run_columns(of))).order_by(NOTES.c.id)):
        note = Note(at=row.at, kind=row.kind, try_number=row.try_number, text=row.text)
        notes.setdefault((row.source, row.step, row.phase, row.batch), []).append(note)
    rows = connection.execute(
        sa.select(STEPS).where(matches(STEPS, run_columns(of))).order_by(STEPS.c.source, STEPS.c.position)
    )
    return [_step(row, tuple(notes.get((row.source, row.step, row.phase, row.batch), ()))) for row in rows]


def source_notes(connection: Connection, of: RunKey) -> dict[str, tuple[Note, ...]]:
    """By source, what is noted of no single unit of work: that it was abandoned, what was taken back."""
    kinds = NOTES.c.kind.in_(("abandoned", "compensated"))
    found: dict[str, tuple[Note, ...]] = {}
    for row in connection.execute(sa.select(NOTES).where(matches(NOTES, run_columns(of)), kinds).order_by(NOTES.c.id)):
        note = Note(at=row.at, kind=row.kind, try_number=row.try_number, text=row.text)
        found[row.source] = (*found.get(row.source, ()), note)
    return found


def sources_overview(connection: Connection) -> list[SourceOverview]:
    """Every source that ever ran, by name."""
    newest = sa.func.row_number().over(
        partition_by=(SAGAS.c.source,), order_by=(SAGAS.c.opened_at.desc(), SAGAS.c.run_id.desc())
    )
    last = sa.func.row_number().over(
        partition_by=(PUBLICATIONS.c.source, PUBLICATIONS.c.dataset), order_by=PUBLICATIONS.c.position.desc()
    )
    sagas = sa.select(SAGAS, newest.label("age")).subquery()
    published = sa.select(PUBLICATIONS, last.label("age")).subquery()
    same = sa.and_(published.c.source == sagas.c.source, published.c.dataset == sagas.c.dataset, published.c.age == 1)
    query = (
        sa.select(sagas, *published.c["published_at", "storage", "commit_id", "row_count"])
        .select_from(sagas.outerjoin(published, same))
        .where(sagas.c.age == 1)
        .order_by(sagas.c.source)
    )
    return [_overview(row) for row in connection.execute(query)]


def skips(connection: Connection, *, limit: int, source: str | None) -> list[Skip]:
    """What was skipped lately, newest first."""
    of_steps = sa.select(
        *STEPS.c["workflow", "run_id", "source", "step"], STEPS.c.ended_at.label("at"), STEPS.c.reason
    ).where(STEPS.c.status == Status.SKIPPED)
    same = sa.and_(STEPS.c.workflow == SAGAS.c.workflow, STEPS.c.run_id == SAGAS.c.run_id)
    told = sa.exists().where(same, STEPS.c.source == SAGAS.c.source, STEPS.c.status == Status.SKIPPED)
    of_sources = sa.select(
        *SAGAS.c["workflow", "run_id", "source"],
        sa.literal("").label("step"),
        SAGAS.c.closed_at.label("at"),
        sa.func.coalesce(SAGAS.c.reason, "").label("reason"),
    ).where(SAGAS.c.status == Status.SKIPPED, ~told)
    both = sa.union_all(of_steps, of_sources).subquery()
    query = sa.select(both).order_by(both.c["at"].desc(), both.c.source, both.c.step).limit(limit)
    query = query if source is None else query.where(both.c.source == source)
    return [Skip(**row) for row in connection.execute(query).mappings()]


def _runs() -> sa.Select[Any]:
    same = sa.and_(PINS.c.workflow == RUNS.c.workflow, PINS.c.run_id == RUNS.c.run_id)
    return sa.select(RUNS, PINS.c.digest).select_from(RUNS.outerjoin(PINS, same))


def _run(connection: Connection, row: Row[Any]) -> RunRow:
    key = RunKey(workflow=row.workflow, run_id=row.run_id, run_after=row.run_after)
    sagas = connection.execute(sa.select(SAGAS).where(matches(SAGAS, run_columns(key))).order_by(SAGAS.c.source))
    return RunRow(
        key=key,
        trigger=row.trigger,
        flags=row.flags,
        driver=row.driver,
        status=Status(row.status),
        started_at=row.started_at,
        ended_at=row.ended_at,
        plan=row.digest,
        sources=tuple(_outcome(saga) for saga in sagas),
    )


def _outcome(saga: Row[Any]) -> SourceOutcome:
    return SourceOutcome(
        source=saga.source,
        dataset=saga.dataset,
        status=Status(saga.status),
        reason=saga.reason,
        opened_at=saga.opened_at,
        closed_at=saga.closed_at,
    )


def _step(row: Row[Any], notes: tuple[Note, ...]) -> StepRow:
    return StepRow(
        source=row.source,
        dataset=row.dataset,
        step=row.step,
        phase=Phase(row.phase),
        batch=batch_of(row.batch),
        status=Status(row.status),
        try_number=row.try_number,
        started_at=row.started_at,
        ended_at=row.ended_at,
        result=result_of(row.result) if row.result else None,
        commit=row.result.get("commit") if row.result else None,
        error_kind=row.error_kind,
        reason=row.reason,
        compensated_at=row.compensated_at,
        notes=notes,
    )


def _overview(row: Row[Any]) -> SourceOverview:
    return SourceOverview(
        source=row.source,
        dataset=row.dataset,
        workflow=row.workflow,
        run_id=row.run_id,
        status=Status(row.status),
        reason=row.reason,
        ran_at=row.opened_at,
        published_at=row.published_at,
        storage=row.storage,
        commit=row.commit_id,
        row_count=row.row_count,
    )


def _begins(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    # LIKE would ask for escapes, and SQLite's does not tell letters' case apart.
    return sa.func.substr(column, 1, len(prefix)) == prefix


def _nearest(connection: Connection, name: str) -> str:
    latest = sa.select(RUNS.c.run_id).order_by(RUNS.c.started_at.desc()).limit(1000)
    known = list(connection.execute(latest).scalars())
    near = difflib.get_close_matches(name, known, n=_NEAR, cutoff=0.4) or known[:_NEAR]
    return f"known: {', '.join(near)}" if near else "nothing has run yet"
