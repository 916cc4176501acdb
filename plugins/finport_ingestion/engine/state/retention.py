"""Removing what is old: never what is open, what holds now, or what was not sent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.state.api_tables import LOWERED, QUOTAS, RATES, REQUESTS
from finport_ingestion.engine.state.keys import OPEN
from finport_ingestion.engine.state.publications import Standing, items_as_json, publication_of
from finport_ingestion.engine.state.tables import (
    CHECKPOINTS,
    DELIVERIES,
    NOTES,
    OUTBOX,
    PINS,
    PLANS,
    PUBLICATIONS,
    RUNS,
    SAGAS,
    STEPS,
    TOKENS,
    UPDATES,
)

_FORGOTTEN = timedelta(days=7)
"""A run that nobody closed, and that has nothing open, is over after this time."""
_TOKEN_NEEDED = timedelta(days=400)
"""No token goes before, however short the retention: sealed, a refresh token that only a person can renew looks like
any other, and a source that runs once a year still needs its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows were removed, or would be."""

    runs: int
    steps: int
    publications: int
    events: int
    plans: int
    tokens: int


def prune(connection: Connection, *, before: datetime, now: datetime) -> Pruned:
    """Remove ended runs with all that is theirs, superseded publications, sent events, unused plans and tokens."""
    # Publications first: those of runs that are open now are kept with everything later.
    publications = _prune_publications(connection, before=before)
    runs = _old_runs(connection, before=before, now=now)
    steps = _delete_of_runs(connection, STEPS, runs)
    for table in (SAGAS, NOTES, CHECKPOINTS, PINS, REQUESTS, LOWERED):
        _delete_of_runs(connection, table, runs)
    for table in (RATES, QUOTAS):
        connection.execute(sa.delete(table).where(table.c.updated_at < before))
    return Pruned(
        publications=publications,
        runs=_delete_of_runs(connection, RUNS, runs),
        steps=steps,
        events=_prune_events(connection, before=before),
        plans=connection.execute(sa.delete(PLANS).where(PLANS.c.digest.not_in(sa.select(PINS.c.digest)))).rowcount,
        tokens=_prune_tokens(connection, before=min(before, now - _TOKEN_NEEDED)),
    )


def _old_runs(connection: Connection, *, before: datetime, now: datetime) -> list[tuple[str, str]]:
    same_run = sa.and_(SAGAS.c.workflow == RUNS.c.workflow, SAGAS.c.run_id == RUNS.c.run_id)
    is_open = sa.exists().where(same_run, SAGAS.c.status.in_(OPEN))
    ended = RUNS.c.ended_at < before
    forgotten = sa.and_(RUNS.c.ended_at.is_(None), RUNS.c.started_at < min(before, now - _FORGOTTEN))
    query = sa.select(RUNS.c.workflow, RUNS.c.run_id).where(sa.or_(ended, forgotten), ~is_open)
    return [(row.workflow, row.run_id) for row in connection.execute(query)]


def _delete_of_runs(connection: Connection, table: sa.Table, runs: list[tuple[str, str]]) -> int:
    count = 0
    for workflow, run_id in runs:
        of_run = sa.and_(table.c.workflow == workflow, table.c.run_id == run_id)
        count += connection.execute(sa.delete(table).where(of_run)).rowcount
    return count


def _prune_events(connection: Connection, *, before: datetime) -> int:
    unsent = sa.select(DELIVERIES.c.position).where(DELIVERIES.c.sent_at.is_(None))
    old = sa.select(OUTBOX.c.position).where(OUTBOX.c.time < before, OUTBOX.c.position.not_in(unsent))
    connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.position.in_(old)))
    sent = sa.and_(OUTBOX.c.time < before, OUTBOX.c.position.not_in(unsent))
    return connection.execute(sa.delete(OUTBOX).where(sent)).rowcount


def _prune_tokens(connection: Connection, *, before: datetime) -> int:
    """Remove tokens that nobody renewed since, and rows of clients that never got one."""
    # A claim that ran out lately may be of somebody who is only slow, and has a rotated token in hand.
    unclaimed = sa.or_(TOKENS.c.claim.is_(None), TOKENS.c.expires_at < before)
    unused = sa.or_(TOKENS.c.saved_at.is_(None), TOKENS.c.saved_at < before)
    return connection.execute(sa.delete(TOKENS).where(unclaimed, unused)).rowcount


def _prune_publications(connection: Connection, *, before: datetime) -> int:
    """Remove publications that gave nothing to what held at `before`, so that a later one can still be taken back."""
    open_runs = set(connection.execute(sa.select(SAGAS.c.run_id).where(SAGAS.c.status.in_(OPEN))).scalars())
    rows = connection.execute(sa.select(PUBLICATIONS).order_by(PUBLICATIONS.c.position)).all()
    pairs: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        pairs[row.source, row.dataset].append(row)
    count = 0
    for history in pairs.values():
        late = [index for index, row in enumerate(history) if row.published_at >= before or row.run_id in open_runs]
        count += _condense(connection, history[: late[0]] if late else history)
    return count


def _condense(connection: Connection, history: list[Row[Any]]) -> int:
    """Keep of some publications, the oldest, only what still holds after all of them, and the last one."""
    standing = Standing()
    for row in history:
        standing.add(publication_of(row), row.id)
    holding: dict[int, list[str]] = defaultdict(list)
    for item, row_id in standing.items.values():
        holding[row_id].append(item.item)
    kept = {*holding, *(row.id for row in history[-1:])}
    if standing.watermark is not None:
        kept.add(standing.watermark[1])
    for row in history:
        if row.id in kept and len(holding[row.id]) < len(row.items):
            # An item that was replaced by a row that goes now must not come back.
            items = [item for item in publication_of(row).items if item.item in set(holding[row.id])]
            values = {"items": items_as_json(items)}
            connection.execute(sa.update(PUBLICATIONS).where(PUBLICATIONS.c.id == row.id).values(values))
    doomed = [row.id for row in history if row.id not in kept]
    connection.execute(sa.delete(UPDATES).where(UPDATES.c.publication.in_(doomed)))
    return connection.execute(sa.delete(PUBLICATIONS).where(PUBLICATIONS.c.id.in_(doomed))).rowcount
