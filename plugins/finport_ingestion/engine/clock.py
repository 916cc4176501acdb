"""Time, handed in: what o'clock it is, and until when a step may work."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from finport_ingestion.engine.errors import DeadlineExceeded


class Clock(Protocol):
    """Where now comes from; tests hand in their own."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The moment a try must be over; bounds every client call, since a signal does not stop native code."""

    ends_at: datetime
    clock: Clock
    what: str = "the step"

    @staticmethod
    def after(seconds: float, *, clock: Clock, what: str = "the step") -> Deadline:
        return Deadline(ends_at=clock.now() + timedelta(seconds=seconds), clock=clock, what=what)

    def seconds_left(self) -> float:
        return (self.ends_at - self.clock.now()).total_seconds()

    def bound(self, seconds: float) -> float:
        """`seconds`, or what is left if that is less.

        Raises:
            DeadlineExceeded: Nothing is left.
        """
        left = self.seconds_left()
        if left <= 0:
            raise DeadlineExceeded(
                f"the time of {self.what} is used up.", hint="raise its timeout, or give it less to do"
            )
        return min(seconds, left)

    def check(self) -> None:
        """Raise DeadlineExceeded when nothing is left."""
        self.bound(0)
