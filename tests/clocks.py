"""Clocks that tests hand in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from finport_ingestion.engine.clock import SystemClock


@dataclass(frozen=True, slots=True)
class LaterClock(SystemClock):
    """The machine's clock, ahead by `ahead`: what was written just now is old."""

    ahead: timedelta

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead
