"""How many requests of a day are used, by credential and local day."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.api_tables import QUOTAS
from finport_ingestion.engine.state.database import add_new, matches


def take(connection: Connection, key: str, day: str, *, want: int, most: int, now: datetime) -> int:
    """Count up to `want` requests as used, `most` in all; how many that were."""
    row = {"key": key, "day": day}
    add_new(connection, QUOTAS, {**row, "used": 0, "updated_at": now})
    used = int(connection.execute(sa.select(QUOTAS.c.used).where(matches(QUOTAS, row)).with_for_update()).scalar_one())
    taken = max(0, min(want, most - used))
    if taken:
        connection.execute(
            sa.update(QUOTAS).where(matches(QUOTAS, row)).values(used=QUOTAS.c.used + taken, updated_at=now)
        )
    return taken


def give_back(connection: Connection, key: str, day: str, *, count: int) -> None:
    """Requests that were counted and not sent."""
    row = matches(QUOTAS, {"key": key, "day": day})
    left = sa.case((QUOTAS.c.used > count, QUOTAS.c.used - count), else_=0)
    connection.execute(sa.update(QUOTAS).where(row).values(used=left))


def used(connection: Connection, key: str, day: str) -> int:
    """How many of that day are used."""
    row = matches(QUOTAS, {"key": key, "day": day})
    return int(connection.execute(sa.select(QUOTAS.c.used).where(row)).scalar() or 0)
