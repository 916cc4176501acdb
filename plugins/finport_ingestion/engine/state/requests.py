"""How many requests each run sent to a source: what a forecast is made of."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.resilience.requests import Requests
from finport_ingestion.engine.state.api_tables import REQUESTS
from finport_ingestion.engine.state.database import insert
from finport_ingestion.engine.state.keys import run_columns
from finport_ingestion.engine.step import RunKey

_COUNTS = ("sent", "counted", "failed", "limited")


def add(connection: Connection, run: RunKey, more: Requests, *, key: str, now: datetime) -> None:
    """Add to what is known of the run."""
    counts = {name: getattr(more, name) for name in _COUNTS}
    row = {**run_columns(run), "source": more.source, "key": key, "updated_at": now}
    statement = insert(connection, REQUESTS).values({**row, **counts})
    grown = {name: REQUESTS.c[name] + statement.excluded[name] for name in _COUNTS}
    keys = [column.name for column in REQUESTS.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={**grown, "updated_at": now}))


def of_runs(connection: Connection, source: str, *, limit: int) -> list[Requests]:
    """What the latest runs sent to a source, newest first."""
    query = sa.select(REQUESTS).where(REQUESTS.c.source == source).order_by(REQUESTS.c.updated_at.desc()).limit(limit)
    return [
        Requests(source=source, **{name: getattr(row, name) for name in _COUNTS}) for row in connection.execute(query)
    ]
