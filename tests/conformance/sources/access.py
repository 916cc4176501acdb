"""What a source is made with in tests."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from finport_ingestion.engine.clock import Clock, Deadline, SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.options import AuthOptions
from finport_ingestion.engine.resilience.gate import LocalGate
from finport_ingestion.engine.sources.interface import Access

UNESCAPED_SECRET = "pl4nted-s3cret"
PLANTED_SECRET = f"{UNESCAPED_SECRET}:/+%"
"""Part of it is the same in every spelling; the rest needs escaping wherever it is sent."""


class ManualClock:
    """A clock that stands still until somebody sleeps."""

    def __init__(self, now: datetime = datetime(2024, 1, 2, tzinfo=UTC)) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)


def connection(kind: str, *, secret: str | None = PLANTED_SECRET, **fields: Any) -> ConnectionSpec:
    """A connection called `planted` whose password is the planted secret."""
    return ConnectionSpec(id="planted", kind=kind, secret=lambda: secret, **fields)


def access(
    spec: ConnectionSpec | None,
    *,
    auth: AuthOptions | None = None,
    clock: Clock | None = None,
    seconds: float = 30,
    rate: tuple[int, int] = (10_000, 60),
    protection: Mapping[str, Any] | None = None,
    **limits: Any,
) -> Access:
    """Access for a source called `prices`, on this machine; `protection` overrides what that needs."""
    clock = clock or SystemClock()
    extra = spec.extra if spec else {}
    way = {"allow_private_network": True, "ca_file": extra.get("ca_file"), "proxy": extra.get("proxy")}
    return Access(
        source="prices",
        connection=spec,
        auth=auth,
        auth_connection=spec if auth else None,
        deadline=Deadline.after(seconds, clock=clock, what="the test"),
        gate=LocalGate.of(secrets.token_hex(8), rate, clock),
        protection=Protection(**{**way, **(protection or {})}),
        **{"request_timeout_seconds": 5.0, **limits},
    )
