"""Events that are written with the state they tell of, and wait here for each relay that shall send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.database import alone, insert
from finport_ingestion.engine.state.keys import run_columns
from finport_ingestion.engine.state.tables import DELIVERIES, OUTBOX
from finport_ingestion.engine.step import RunKey

CLAIM = timedelta(seconds=60)
"""How long a relay may take over one batch; then others may send it again."""
_ERROR_CHARACTERS = 500


class Fact(Protocol):
    """What can be written to the outbox; `engine/events/event.py` makes it."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def relays(self) -> tuple[str, ...]:
        """Names of the relays that shall send it."""
        ...

    def to_json(self) -> bytes:
        """The event as it is sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """An event that a relay has claimed."""

    position: int
    id: str
    type: str
    source: str
    subject: str
    body: bytes


def add(connection: Connection, events: Sequence[Fact], *, run: RunKey | None) -> None:
    """Write events, each once for each of its relays; one that is there already (same id) is not written again."""
    for event in events:
        values = {
            "id": event.id,
            "type": event.type,
            "source": event.source,
            "subject": event.subject,
            "time": event.time,
            "body": event.to_json().decode(),
            **(run_columns(run) if run else {}),
        }
        written = insert(connection, OUTBOX).values(**values).on_conflict_do_nothing().returning(OUTBOX.c.position)
        position = connection.execute(written).scalar()
        if position is not None and event.relays:
            waiting = {"position": position, "subject": event.subject, "attempts": 0}
            connection.execute(sa.insert(DELIVERIES), [{**waiting, "relay": relay} for relay in event.relays])


def claim(connection: Connection, relay: str, *, limit: int, now: datetime) -> list[WaitingEvent]:
    """The oldest events that wait for a relay, now kept from others; none of a subject that another has in hand."""
    # One claims at a time: two that look at once would take later events of a subject before the earlier ones.
    alone(connection, f"claim:{relay}")
    waiting = sa.and_(DELIVERIES.c.relay == relay, DELIVERIES.c.sent_at.is_(None))
    in_hand = sa.select(DELIVERIES.c.subject).where(waiting, DELIVERIES.c.claimed_until > now)
    query = (
        sa.select(OUTBOX)
        .select_from(OUTBOX.join(DELIVERIES, OUTBOX.c.position == DELIVERIES.c.position))
        .where(waiting, DELIVERIES.c.subject.not_in(in_hand))
        .order_by(OUTBOX.c.position)
        .limit(limit)
    )
    events = [
        WaitingEvent(
            position=row.position,
            id=row.id,
            type=row.type,
            source=row.source,
            subject=row.subject,
            body=row.body.encode(),
        )
        for row in connection.execute(query)
    ]
    _change(connection, relay, events, {"claimed_until": now + CLAIM})
    return events


def confirm(connection: Connection, relay: str, events: Sequence[WaitingEvent], *, now: datetime) -> None:
    """The relay has sent them."""
    sent = {"sent_at": now, "claimed_until": None, "attempts": DELIVERIES.c.attempts + 1, "last_error": None}
    _change(connection, relay, events, sent)


def give_back(connection: Connection, relay: str, events: Sequence[WaitingEvent], *, error: str) -> None:
    """The relay could not send them: they wait again, and the reason is kept."""
    kept = {"claimed_until": None, "attempts": DELIVERIES.c.attempts + 1, "last_error": error[:_ERROR_CHARACTERS]}
    _change(connection, relay, events, kept)


def backlog(connection: Connection) -> dict[str, int]:
    """How many events wait, by the relay that they wait for."""
    waiting = sa.select(DELIVERIES.c.relay, sa.func.count()).where(DELIVERIES.c.sent_at.is_(None))
    rows = connection.execute(waiting.group_by(DELIVERIES.c.relay).order_by(DELIVERIES.c.relay))
    return {row[0]: row[1] for row in rows}


def _change(connection: Connection, relay: str, events: Sequence[WaitingEvent], values: Mapping[str, object]) -> None:
    positions = [event.position for event in events]
    these = sa.and_(DELIVERIES.c.relay == relay, DELIVERIES.c.position.in_(positions), DELIVERIES.c.sent_at.is_(None))
    connection.execute(sa.update(DELIVERIES).where(these).values(values))
