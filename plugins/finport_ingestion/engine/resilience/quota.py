"""The requests of a day: counted for all processes, taken from the shared count in small batches."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from finport_ingestion.engine.errors import QuotaUsed, TransientError

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.config.models.settings import QuotaSettings

LONGEST_WAIT = timedelta(hours=24)
_BATCH_SHARE = 100
"""A batch is at most this part of the quota: what a killed process held is lost for the day."""


class QuotaStore(Protocol):
    """Where the days are counted."""

    def take_quota(self, key: str, day: str, *, want: int, most: int) -> int: ...
    def return_quota(self, key: str, day: str, *, count: int) -> None: ...


def local_day(now: datetime, zone: ZoneInfo) -> str:
    """The day of a moment there, as ISO 8601."""
    return now.astimezone(zone).date().isoformat()


def until_midnight(now: datetime, zone: ZoneInfo) -> timedelta:
    """How long the local day goes on; a day on which clocks change has 23 or 25 hours."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return midnight.astimezone(UTC) - now.astimezone(UTC)


@dataclass(slots=True)
class _Units:
    day: str = ""
    left: int = 0
    alone: int | None = None  # what this process may still send while the store is down


class DayQuota:
    """The quota of one credential in this process. `taken_now` does no I/O."""

    def __init__(self, key: str, settings: QuotaSettings, store: QuotaStore, *, processes: int, clock: Clock) -> None:
        self._key, self._store, self._clock = key, store, clock
        self._most = settings.requests or 0
        self._zone = ZoneInfo(settings.time_zone)
        self._share = max(1, self._most // processes)
        self._lock = threading.Lock()
        self._units = _Units()

    def taken_now(self) -> bool:
        """Count one request that is held already."""
        with self._lock:
            self._turn_of_day()
            if self._units.left == 0:
                return False
            self._units.left -= 1
            return True

    def take(self) -> None:
        """Count one request.

        Raises:
            QuotaUsed: Those of the day are used; `retry_after_seconds` until local midnight, at most 24 hours.
        """
        if self.taken_now():
            return
        with self._lock:
            day = self._units.day
        batch = max(1, self._most // _BATCH_SHARE)
        try:
            found = self._store.take_quota(self._key, day, want=batch, most=self._most)
        except TransientError:
            found = self._taken_alone()
        if found == 0:
            raise self.used_up()
        with self._lock:
            if self._units.day == day:
                self._units.left += found - 1

    def untake(self) -> None:
        """The request was not sent after all."""
        with self._lock:
            self._units.left += 1

    def give_back(self) -> None:
        """Return what is held."""
        with self._lock:
            day, left, self._units = self._units.day, self._units.left, _Units(alone=self._units.alone)
        if left:
            self._store.return_quota(self._key, day, count=left)

    def used_up(self) -> QuotaUsed:
        """The error that says when the next day begins."""
        wait = min(until_midnight(self._clock.now(), self._zone), LONGEST_WAIT)
        return QuotaUsed(
            f"the {self._most} requests of the day are used; the next day begins in {_hours(wait)} ({self._zone.key}).",
            retry_after_seconds=wait.total_seconds(),
            hint="wait, take less, or raise limits.quota if the provider allows it; 'priority' lets single paths pass",
        )

    def _taken_alone(self) -> int:
        with self._lock:
            left = self._share if self._units.alone is None else self._units.alone
            self._units.alone = max(0, left - 1)
            return min(left, 1)

    def _turn_of_day(self) -> None:
        day = local_day(self._clock.now(), self._zone)
        if day != self._units.day:
            # What was held of yesterday is lost with it.
            self._units = _Units(day=day)


def _hours(wait: timedelta) -> str:
    minutes = round(wait.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min"
