"""Which processes use a credential now; one that is dead, or idle for too long, does not count."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.api_tables import SESSIONS
from finport_ingestion.engine.state.database import alone, matches, upsert
from finport_ingestion.engine.state.leases import actor_columns


def take(
    connection: Connection, key: str, holder: str, *, actor: Actor, most: int, until: datetime, now: datetime
) -> bool:
    """Take or renew a session, if fewer than `most` others are in use."""
    alone(connection, f"session:{key}")
    others = 0
    for row in connection.execute(sa.select(SESSIONS).where(SESSIONS.c.key == key)).all():
        its = Actor(host=row.host, pid=row.pid, process_start=row.process_start)
        if row.holder == holder:
            continue
        if row.expires_at <= now or its.runs() is False:
            release(connection, key, row.holder)
        else:
            others += 1
    if others >= most:
        return False
    upsert(connection, SESSIONS, [{"key": key, "holder": holder, **actor_columns(actor), "expires_at": until}])
    return True


def release(connection: Connection, key: str, holder: str) -> None:
    """The session is over."""
    connection.execute(sa.delete(SESSIONS).where(matches(SESSIONS, {"key": key, "holder": holder})))


def count(connection: Connection, key: str, *, now: datetime) -> int:
    """How many are in use."""
    query = sa.select(sa.func.count()).where(SESSIONS.c.key == key, SESSIONS.c.expires_at > now)
    return int(connection.execute(query).scalar_one())
