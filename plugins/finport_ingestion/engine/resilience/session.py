"""This process's session with a provider: one of the few that may use a credential at a time."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import RateLimited, TransientError

_LOOK_SECONDS = 1.0
_RENEW_SHARE = 3


class SessionStore(Protocol):
    """Where sessions are counted."""

    def take_session(self, key: str, holder: str, *, most: int, lasts: timedelta) -> bool: ...
    def release_session(self, key: str, holder: str) -> None: ...


class Session:
    """Held from the first request until `release`, and renewed meanwhile."""

    def __init__(
        self,
        key: str,
        store: SessionStore,
        *,
        most: int,
        lasts: timedelta,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key, self._store, self._most, self._lasts, self._ticks = key, store, most, lasts, ticks
        self._holder = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._until = 0.0

    @property
    def held(self) -> bool:
        """Whether requests may be sent."""
        return self._ticks() < self._until

    def take(self, deadline: Deadline) -> None:
        """Wait for a session.

        Raises:
            RateLimited: All are in use until the deadline.
        """
        while not self.held:
            with self._lock:
                if self.held or self._taken():
                    return
            if deadline.seconds_left() <= _LOOK_SECONDS:
                raise RateLimited(
                    f"{self._most} processes use this credential already.",
                    retry_after_seconds=_LOOK_SECONDS,
                    hint="raise limits.sessions, if the provider allows it, or run fewer tasks at a time",
                )
            time.sleep(_LOOK_SECONDS)

    def tend(self) -> None:
        """Renew it in time."""
        if self.held and self._until - self._ticks() < self._lasts.total_seconds() * (1 - 1 / _RENEW_SHARE):
            with self._lock:
                self._taken()

    def release(self) -> None:
        """Let another process have it."""
        if self.held:
            self._until = 0.0
            self._store.release_session(self._key, self._holder)

    def _taken(self) -> bool:
        try:
            taken = self._store.take_session(self._key, self._holder, most=self._most, lasts=self._lasts)
        except TransientError:
            taken = True  # nobody counts now: the process goes on within its share of the rate
        if taken:
            self._until = self._ticks() + self._lasts.total_seconds()
        return taken
