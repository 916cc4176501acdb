"""Requests spread over time: a sliding window that all sources of a process share by name."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

from finport_ingestion.engine.clock import Clock, Deadline, SystemClock
from finport_ingestion.engine.errors import RateLimited


class RateLimiter:
    """At most `requests` in any `seconds`, whichever threads of this process send them.

    A request that has to wait holds its place: those behind it wait longer, and none is overtaken.
    """

    def __init__(self, requests: int, seconds: float, clock: Clock) -> None:
        self._window = timedelta(seconds=seconds)
        self._clock = clock
        self._lock = threading.Lock()
        self._granted: deque[datetime] = deque(maxlen=requests)

    def acquire(self, deadline: Deadline) -> None:
        """Wait until a request may be sent.

        Raises:
            RateLimited: It may not before the deadline; nothing was waited, no place is held.
        """
        with self._lock:
            now = self._clock.now()
            at = self._next(now)
            wait_seconds = (at - now).total_seconds()
            if wait_seconds > 0 and wait_seconds >= deadline.seconds_left():
                raise RateLimited(
                    f"the request limit of {self._granted.maxlen} in {self._window.total_seconds():g} s leaves no room"
                    f" before the time of {deadline.what} is used up.",
                    retry_after_seconds=wait_seconds,
                    hint="raise limits.rate, if the provider allows it, or the step's timeout",
                )
            self._granted.append(at)
        if wait_seconds > 0:
            self._clock.sleep(wait_seconds)

    def admitted_now(self) -> bool:
        """Take a place that is free at once; False where there is none."""
        with self._lock:
            now = self._clock.now()
            if self._next(now) > now:
                return False
            self._granted.append(now)
            return True

    def _next(self, now: datetime) -> datetime:
        if len(self._granted) < (self._granted.maxlen or 0):
            return now
        return max(now, self._granted[0] + self._window)


_shared: dict[tuple[str, int, float], RateLimiter] = {}
_shared_lock = threading.Lock()


def limiter_of(name: str, *, requests: int, seconds: float, clock: Clock) -> RateLimiter:
    """The limiter called `name` in this process: two sources with one credential at one server share it.

    Only the machine's clock is shared: another one is a time of its own.
    """
    if not isinstance(clock, SystemClock):
        return RateLimiter(requests, seconds, clock)
    with _shared_lock:
        return _shared.setdefault((name, requests, seconds), RateLimiter(requests, seconds, clock))
