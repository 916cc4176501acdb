"""The events of a run, and what became of each at its relays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.database import matches
from finport_ingestion.engine.state.keys import run_columns
from finport_ingestion.engine.state.tables import DELIVERIES, OUTBOX
from finport_ingestion.engine.step import RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One relay's part in sending an event."""

    relay: str
    sent_at: datetime | None
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event of a run."""

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    facts: Mapping[str, Any]
    deliveries: tuple[Delivery, ...]


def events(connection: Connection, of: RunKey) -> list[EventRow]:
    """What was told of a run, oldest first."""
    query = (
        sa.select(OUTBOX, *DELIVERIES.c["relay", "sent_at", "attempts", "last_error"])
        .select_from(OUTBOX.outerjoin(DELIVERIES, OUTBOX.c.position == DELIVERIES.c.position))
        .where(matches(OUTBOX, run_columns(of)))
        .order_by(OUTBOX.c.position, DELIVERIES.c.relay)
    )
    rows = connection.execute(query).all()
    deliveries: dict[int, tuple[Delivery, ...]] = {}
    for row in rows:
        if row.relay is not None:
            one = Delivery(relay=row.relay, sent_at=row.sent_at, attempts=row.attempts, last_error=row.last_error)
            deliveries[row.position] = (*deliveries.get(row.position, ()), one)
    return [
        EventRow(
            id=row.id,
            type=row.type,
            source=row.source,
            subject=row.subject,
            time=row.time,
            facts=json.loads(row.body).get("data", {}),
            deliveries=deliveries.get(position, ()),
        )
        for position, row in {row.position: row for row in rows}.items()
    ]
