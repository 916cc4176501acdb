"""The sliding windows of all credentials, as rows: who asks next waits until this transaction has ended."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from finport_ingestion.engine.resilience.window import Ask, Content, Given, Rule, give
from finport_ingestion.engine.state.api_tables import RATES
from finport_ingestion.engine.state.database import add_new

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.state.database import Database

_WAIT_SECONDS = 5
"""A rate that cannot be asked within this time counts as not reachable: the process goes on with its share."""


class Rates:
    """The rates of a state database (slots.py, RateStore)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._lasting: Connection | None = None

    def ask(self, ask: Ask) -> Given:
        """See slots.py."""
        with self._transaction() as connection:
            contents = _contents(connection, ask.rules)
            given = give([contents[rule.key] for rule in ask.rules], ask, now=_now_ms(connection))
            for key, content in contents.items():
                values = {"content": content, "updated_at": self._clock.now()}
                connection.execute(sa.update(RATES).where(RATES.c.key == key).values(values))
        return given

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._database.is_sqlite:
            # A file is opened faster than a connection could be handed from thread to thread.
            with self._database.write() as connection:
                yield connection
            return
        if self._owner != os.getpid():
            # Of a parent: its lock may be held for ever in here, and its connection is not ours to use or to close.
            self._owner, self._lock, self._lasting = os.getpid(), threading.Lock(), None
        with self._lock, self._database.translated():
            connection = self._kept()
            try:
                with connection.begin():
                    yield connection
            except sa.exc.DBAPIError:
                self._lasting = None
                connection.invalidate()
                connection.close()
                raise

    def _kept(self) -> Connection:
        """One connection for the process: making one costs more than all that is asked of it."""
        if self._lasting is None:
            connection = self._database.engine.connect()
            limits = f"SET lock_timeout = '{_WAIT_SECONDS}s'; SET statement_timeout = '{_WAIT_SECONDS}s'"
            connection.exec_driver_sql(limits)
            connection.commit()
            self._lasting = connection
        return self._lasting


def _contents(connection: Connection, rules: tuple[Rule, ...]) -> dict[str, Content]:
    """The rows, locked in one order for all, so that two never wait for each other."""
    keys = [rule.key for rule in rules]
    query = sa.select(RATES.c.key, RATES.c.content).where(RATES.c.key.in_(keys)).order_by(RATES.c.key)
    found = {row.key: row.content for row in connection.execute(query.with_for_update())}
    if len(found) < len(set(keys)):
        for key in sorted(set(keys)):
            add_new(connection, RATES, {"key": key, "content": {}, "updated_at": sa.func.current_timestamp()})
        found = {row.key: row.content for row in connection.execute(query.with_for_update())}
    return found


def _now_ms(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        return int(time.time() * 1000)  # whoever sees the file has this clock
    now = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return int(connection.execute(now).scalar_one())
