"""The circuit of each credential: a row that one process at a time changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.api_tables import CIRCUITS
from finport_ingestion.engine.state.database import add_new

T = TypeVar("T")


def change(connection: Connection, key: str, how: Callable[[dict[str, Any]], T], *, now: datetime) -> T:
    """Let `how` change the circuit's content in place; nobody else does meanwhile."""
    add_new(connection, CIRCUITS, {"key": key, "status": "closed", "content": {}, "changed_at": now})
    row = connection.execute(sa.select(CIRCUITS).where(CIRCUITS.c.key == key).with_for_update()).one()
    content = dict(row.content)
    found = how(content)
    status = content.get("status", "closed")
    values: dict[str, Any] = {"content": content, "status": status}
    if status != row.status:
        values["changed_at"] = now
    if values != {"content": row.content, "status": row.status}:
        connection.execute(sa.update(CIRCUITS).where(CIRCUITS.c.key == key).values(values))
    return found


def content_of(connection: Connection, key: str) -> dict[str, Any]:
    """How the circuit stands; empty where nothing is known."""
    found = connection.execute(sa.select(CIRCUITS.c.content).where(CIRCUITS.c.key == key)).scalar()
    return dict(found or {})


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every circuit that is not closed: key, status, reason, since."""
    rows = connection.execute(sa.select(CIRCUITS).where(CIRCUITS.c.status != "closed").order_by(CIRCUITS.c.key))
    return [
        {"key": row.key, "status": row.status, "reason": row.content.get("reason"), "since": row.changed_at}
        for row in rows
    ]
