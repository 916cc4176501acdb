"""How many requests are left, as servers say in the headers of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from multidict import istr

# draft-ietf-httpapi-ratelimit-headers: `RateLimit: "burst";r=50;t=30, "daily";r=999;t=3600`; its earlier revisions
# wrote `RateLimit: limit=100, remaining=50, reset=30`, and before that three headers.
_COMBINED = istr("RateLimit")
_REMAINING = tuple(map(istr, ("RateLimit-Remaining", "X-RateLimit-Remaining", "X-Rate-Limit-Remaining")))
_RESET = tuple(map(istr, ("RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset")))
_MEMBER = re.compile(r"(?:^|[;,\s])(r|t|remaining|reset)\s*=\s*(\d{1,15})(?![\d.])")
_A_MOMENT = 1_000_000_000
"""From here on, a reset is a moment in seconds since 1970, and no number of seconds to wait."""
_MILLISECONDS = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a quota: requests, and seconds until there are more."""

    remaining: int | None = None
    reset_seconds: float | None = None


NOTHING_SAID = Left()


def left(headers: Mapping[str, str], *, now: datetime) -> Left:
    """What the headers say; of several policies, the one with the fewest requests left."""
    if combined := headers.get(_COMBINED):
        return _combined(combined)
    if not any(map(headers.__contains__, _REMAINING)):
        return NOTHING_SAID
    remaining = _first(headers, _REMAINING)
    if remaining is None:
        return NOTHING_SAID
    reset = _first(headers, _RESET)
    return Left(int(remaining), None if reset is None else _seconds(reset, now))


def _combined(header: str) -> Left:
    policies = [dict(_MEMBER.findall(policy)) for policy in _policies(header)]
    stated = [
        Left(int(fields.get("r") or fields["remaining"]), _number(fields.get("t") or fields.get("reset")))
        for fields in policies
        if "r" in fields or "remaining" in fields
    ]
    return min(stated, key=lambda one: one.remaining or 0, default=NOTHING_SAID)


def _policies(header: str) -> list[str]:
    # In the earlier form the members of the one policy are themselves separated by commas.
    return [header] if "remaining" in header else header.split(",")


def _first(headers: Mapping[str, str], names: Iterable[str]) -> float | None:
    return next((number for name in names if name in headers and (number := _number(headers[name])) is not None), None)


def _number(text: str | None) -> float | None:
    # Some servers list several windows, the one that counts first: `10, 10;w=1, 50;w=60`.
    first = (text or "").partition(",")[0].partition(";")[0].strip()
    return float(first) if first.replace(".", "", 1).isdecimal() and first.isascii() else None


def _seconds(reset: float, now: datetime) -> float:
    if reset >= _MILLISECONDS:
        reset /= 1000
    return max(0.0, reset - now.timestamp()) if reset >= _A_MOMENT else reset
