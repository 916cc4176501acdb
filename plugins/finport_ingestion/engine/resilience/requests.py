"""How many requests a run sent to a source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Of one run and source; `counted` are those that a daily quota counts."""

    source: str
    sent: int = 0
    counted: int = 0
    failed: int = 0
    limited: int = 0
