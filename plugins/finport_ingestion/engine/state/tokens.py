"""Tokens of authentication in the state database: sealed by who fetched them, fetched by one process at a time."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from finport_ingestion.engine.auth.vault import Kept
from finport_ingestion.engine.clock import Clock
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.database import insert
from finport_ingestion.engine.state.leases import actor_columns, worker_of
from finport_ingestion.engine.state.schema import Versioned
from finport_ingestion.engine.state.tables import TOKENS

_NOBODY: dict[str, Any] = {"claim": None, "expires_at": None, "host": None, "pid": None, "process_start": None}


class StateTokens:
    """A TokenVault for all processes and machines that use one state database; each method is one transaction."""

    def __init__(self, base: Versioned, clock: Clock) -> None:
        self._base = base
        self._clock = clock

    def look(self, key: str) -> Kept:
        """What is kept."""
        with self._base.read() as connection:
            row = connection.execute(sa.select(TOKENS.c.sealed, TOKENS.c.version).where(TOKENS.c.key == key)).first()
        return Kept(sealed=row.sealed, version=row.version) if row else Kept()

    def claim(self, key: str, *, seconds: float) -> str | None:
        """A claim, unless another process has one and lives, as far as can be known."""
        now = self._clock.now()
        with self._base.write() as connection:
            row = _locked(connection, key)
            holder = worker_of(row)
            if row.claim is not None and holder and not holder.is_gone(now, run_closed=False):
                return None
            claim = secrets.token_hex(8)
            values = {"claim": claim, "expires_at": now + timedelta(seconds=seconds)}
            _change(connection, key, {**values, **actor_columns(Actor.current())})
            return claim

    def keep(self, key: str, sealed: bytes, *, after: int) -> bool:
        """Keep it, unless something else has been kept since version `after`."""
        with self._base.write() as connection:
            if _locked(connection, key).version != after:
                return False
            _change(connection, key, {"sealed": sealed, "version": after + 1, "saved_at": self._clock.now()})
            return True

    def give_back(self, key: str, *, claim: str) -> None:
        """End the claim, if it is still ours."""
        with self._base.write() as connection:
            connection.execute(sa.update(TOKENS).where(TOKENS.c.key == key, TOKENS.c.claim == claim).values(**_NOBODY))


def _locked(connection: Connection, key: str) -> Row[Any]:
    """The row, which nobody else changes until the transaction ends."""
    # In one statement: between two, the row could be pruned.
    statement = insert(connection, TOKENS).values(key=key, version=0)
    locked = statement.on_conflict_do_update(index_elements=["key"], set_={"version": TOKENS.c.version})
    return connection.execute(locked.returning(*TOKENS.c)).one()


def _change(connection: Connection, key: str, values: dict[str, Any]) -> None:
    connection.execute(sa.update(TOKENS).where(TOKENS.c.key == key).values(**values))
