"""Credentials that change while a source lives: its connection is read again."""

from __future__ import annotations

import dataclasses
import threading
from datetime import datetime, timedelta

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.sources.interface import Access

VALID_FOR = timedelta(minutes=10)
"""What obstore is told of keys. It asks again five minutes before they end."""

_READ_AGAIN_AFTER = timedelta(minutes=4)


class CurrentConnection:
    """The connection of a source, read again when it is some minutes old, and after a failure."""

    def __init__(self, access: Access) -> None:
        """Reads nothing: what `access` holds was read just now."""
        self._access = access
        self._lock = threading.Lock()
        self._spec = access.connection
        self._read_at: datetime | None = None

    def access(self) -> Access:
        """Access with the connection as it is now. Raises MissingConnection if it is gone."""
        now = self._access.deadline.clock.now()
        with self._lock:
            if self._read_at is None:
                self._read_at = now
            elif self._spec and now - self._read_at > _READ_AGAIN_AFTER:
                self._spec, self._read_at = self._spec.reread(), now
            return dataclasses.replace(self._access, connection=self._spec)

    def connection(self) -> ConnectionSpec | None:
        """The same, alone."""
        return self.access().connection

    def outdate(self) -> None:
        """Have it read again with the next use, unless it was never used."""
        with self._lock:
            if self._read_at is not None:
                self._read_at -= 2 * _READ_AGAIN_AFTER
