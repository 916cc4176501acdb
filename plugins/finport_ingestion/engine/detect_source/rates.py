"""How many requests are allowed, as answers say; and whether they say that nothing has changed."""

from __future__ import annotations

import re
from http import HTTPStatus

from finport_ingestion.engine.detect_source.evidence import Evidence
from finport_ingestion.engine.detect_source.proposal import About, Proposal

_POLICY = re.compile(r"(?:^|[,\s;])(?:q=)?(\d+)\s*;\s*w=(\d+)")
_LIMITS = ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit")
_RESETS = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
_PERIODS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}
_A_MOMENT = 1_000_000_000
"""From here on, a reset is a moment and no number of seconds."""


def rate(evidence: Evidence) -> Proposal:
    """`{rate: 600/minute}` where the answer says so; empty otherwise."""
    headers = evidence.first.headers
    policy = headers.get("ratelimit-policy") or headers.get("ratelimit-limit", "")
    if found := _POLICY.search(policy):
        requests, seconds = int(found[1]), int(found[2])
        reason = f"it states {requests} requests in {seconds} s"
        return _proposal({"rate": _spelled(requests, seconds)}, 0.9, reason)
    limit = next((headers[name] for name in _LIMITS if headers.get(name, "").isdecimal()), None)
    if limit is None:
        return _proposal({}, 0.5, "it says nothing of a limit")
    reset = next((int(headers[name]) for name in _RESETS if headers.get(name, "").isdecimal()), 0)
    seconds = 60 if reset > _A_MOMENT else next((known for known in _PERIODS if reset <= known), 86_400)
    reason = f"it states a limit of {limit} requests; that the window is a {_PERIODS[seconds]} is a guess"
    return _proposal({"rate": f"{int(limit)}/{_PERIODS[seconds]}"}, 0.6, reason)


def changes(evidence: Evidence) -> Proposal:
    """What tells that nothing has changed, and whether it was seen to work."""
    headers = evidence.first.headers
    named = [name for name in ("etag", "last-modified") if headers.get(name)]
    if not named:
        return Proposal(
            about=About.CHANGES,
            confidence=0.8,
            reasons=("it states no ETag and no Last-Modified: bytes are compared after they came",),
        )
    stated = Proposal(about=About.CHANGES, value={"by": named}, confidence=0.6, reasons=(f"it states {_told(named)}",))
    if evidence.conditional is None:
        return stated
    if evidence.conditional.status == HTTPStatus.NOT_MODIFIED:
        return stated.surer(0.35, "asked again for changes only, it answered 304")
    return stated.surer(-0.2, f"asked again for changes only, it answered {evidence.conditional.status}")


def _told(named: list[str]) -> str:
    return " and ".join({"etag": "an ETag", "last-modified": "Last-Modified"}[name] for name in named)


def _spelled(requests: int, seconds: int) -> str:
    """In the periods that a rate may have; a window between two of them is taken for the larger one."""
    period = next((known for known in _PERIODS if seconds <= known), 86_400)
    return f"{requests}/{_PERIODS[period]}"


def _proposal(value: dict[str, str], confidence: float, *reasons: str) -> Proposal:
    return Proposal(about=About.RATE, value=value, confidence=confidence, reasons=reasons)
