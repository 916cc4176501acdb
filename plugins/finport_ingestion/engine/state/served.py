"""Who stands in for a source, since when its records are stale, and which runs used a weaker protection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.api_tables import LOWERED, SERVED
from finport_ingestion.engine.state.database import add_new, matches, upsert
from finport_ingestion.engine.state.keys import run_columns
from finport_ingestion.engine.state.tables import PUBLICATIONS
from finport_ingestion.engine.step import RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Who brings the records of a source into its dataset."""

    source: str
    dataset: str
    served_by: str
    since: datetime
    stale_since: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """How many runs of a source used a weaker protection, and when last."""

    source: str
    measure: str  # as the document spells it, e.g. minTls 1.2
    reason: str | None
    runs: int
    last_at: datetime


def get(connection: Connection, source: str, dataset: str) -> Service | None:
    """None where the source has always served itself."""
    row = (
        connection.execute(sa.select(SERVED).where(matches(SERVED, {"source": source, "dataset": dataset})))
        .mappings()
        .first()
    )
    return None if row is None else Service(**row)


def put(connection: Connection, service: Service) -> None:
    """Enter who serves now."""
    row = {
        name: getattr(service, name) for name in ("source", "dataset", "served_by", "since", "stale_since", "reason")
    }
    upsert(connection, SERVED, [row])


def listed(connection: Connection) -> list[Service]:
    """Every source that is served by another one, or stale."""
    unusual = sa.or_(SERVED.c.served_by != SERVED.c.source, SERVED.c.stale_since.is_not(None))
    rows = connection.execute(sa.select(SERVED).where(unusual).order_by(SERVED.c.source)).mappings()
    return [Service(**row) for row in rows]


def published_runs(connection: Connection, source: str, dataset: str) -> list[str]:
    """The runs whose publications of a source into a dataset stand, newest first."""
    pair = {"source": source, "dataset": dataset}
    query = sa.select(PUBLICATIONS.c.run_id).where(matches(PUBLICATIONS, pair)).order_by(PUBLICATIONS.c.position.desc())
    return list(dict.fromkeys(connection.execute(query).scalars()))


def lower(connection: Connection, run: RunKey, source: str, *, measure: str, reason: str | None, now: datetime) -> bool:
    """Enter that the run uses a weaker protection; False when that stands there already."""
    row = {**run_columns(run), "source": source, "measure": measure, "reason": reason, "at": now}
    return add_new(connection, LOWERED, row)


def lowered(connection: Connection) -> list[Lowered]:
    """By source and measure."""
    columns = (LOWERED.c.source, LOWERED.c.measure)
    query = (
        sa.select(*columns, sa.func.max(LOWERED.c.reason).label("reason"))
        .add_columns(sa.func.count().label("runs"), sa.func.max(LOWERED.c["at"]).label("last_at"))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [Lowered(**row) for row in connection.execute(query).mappings()]
