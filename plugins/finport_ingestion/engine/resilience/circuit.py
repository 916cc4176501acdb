"""A circuit breaker as a few numbers that all processes share: when it opens, who may try, when it closes again.

Closed: requests pass, and failures are counted. Open: nothing passes until `retry_at`. Half-open: one holder may send
one request (its turn ends by itself, should the holder die); what comes of it closes the circuit or opens it for twice
as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from finport_ingestion.engine.config.models.settings import CircuitSettings

Status = Literal["closed", "open", "half-open"]
Content = dict[str, Any]
"""`counts`: [[second, good, failed], ...]; `retry_at`: seconds; `opened`: how often in a row; `holder`, `turn_ends`."""

TURN_SECONDS = 60.0
"""How long a holder may take over its one request."""
_BUCKETS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The circuit has another status now."""

    status: Status
    reason: str
    retry_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whether a request may be sent: now, as the one that tries, or in so many seconds."""

    wait_seconds: float = 0.0
    tries: bool = False
    change: Change | None = None


def status_of(content: Content) -> Status:
    """A circuit of which nothing is known is closed."""
    status: Status = content.get("status", "closed")
    return status


def turn(content: Content, *, holder: str, now: float) -> Turn:
    """Ask to send one request; takes the turn where the circuit may be tried."""
    if status_of(content) == "closed":
        return Turn()
    if now < content["retry_at"]:
        return Turn(wait_seconds=content["retry_at"] - now)
    if content.get("holder") not in (None, holder) and content["turn_ends"] > now:
        return Turn(wait_seconds=min(content["turn_ends"] - now, 1.0))
    content |= {"holder": holder, "turn_ends": now + TURN_SECONDS}
    change = None
    if status_of(content) == "open":
        content["status"] = "half-open"
        change = Change(status="half-open", reason="its time is over: one request tries")
    return Turn(tries=True, change=change)


def record(
    content: Content, *, good: int, failed: int, holder: str, settings: CircuitSettings, now: float
) -> Change | None:
    """Enter how requests went; `good` is below zero where some that were entered as good have failed after all.

    Late answers do not move a circuit that is open.
    """
    if status_of(content) == "closed":
        _count(content, good, failed, settings=settings, now=now)
        return _opened(content, settings=settings, now=now) if failed else None
    if content.get("holder") != holder or not (good or failed):
        return None
    if failed:
        return _open(content, "the request that tried has failed", settings=settings, now=now)
    content.clear()
    return Change(status="closed", reason="the request that tried was answered")


def _count(content: Content, good: int, failed: int, *, settings: CircuitSettings, now: float) -> None:
    window = settings.window.total_seconds()
    width = window / _BUCKETS
    start = math.floor(now / width) * width
    counts = [count for count in content.get("counts", []) if count[0] > now - window]
    if not counts or counts[-1][0] != start:
        counts.append([start, 0, 0])
    counts[-1][1] += good
    counts[-1][2] += failed
    content["counts"] = counts


def _opened(content: Content, *, settings: CircuitSettings, now: float) -> Change | None:
    # What broke off may have been entered as good in a part of the window that is over.
    good = max(sum(count[1] for count in content["counts"]), 0)
    failed = sum(count[2] for count in content["counts"])
    if failed < settings.failures or failed / (good + failed) < settings.share:
        return None
    told = f"{failed} of {good + failed} requests have failed within {settings.window.total_seconds():g} s"
    return _open(content, told, settings=settings, now=now)


def _open(content: Content, reason: str, *, settings: CircuitSettings, now: float) -> Change:
    opened = int(content.get("opened", 0)) + 1
    seconds = min(settings.open_for.total_seconds() * 2 ** min(opened - 1, 30), settings.longest_open.total_seconds())
    content.clear()
    content |= {"status": "open", "opened": opened, "retry_at": now + seconds, "reason": reason}
    return Change(status="open", reason=reason, retry_seconds=seconds)
