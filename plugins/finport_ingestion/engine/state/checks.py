"""The history of health checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from finport_ingestion.engine.state.api_tables import CHECKS

_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A source was asked whether it answers."""

    source: str
    at: datetime
    healthy: bool
    seconds: float
    detail: str  # what answered, or what is wrong
    error_kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the last checks of a source say."""

    source: str
    checks: int
    available: float  # share of the checks
    median_seconds: float  # of those that were answered
    last: Check


def record(connection: Connection, check: Check) -> bool | None:
    """Enter a check; whether the one before it was healthy, None where it is the first."""
    before = (
        sa.select(CHECKS.c.healthy)
        .where(CHECKS.c.source == check.source)
        .order_by(CHECKS.c.at.desc(), CHECKS.c.id.desc())
    )
    was: bool | None = connection.execute(before.limit(1)).scalar()
    values = {
        "source": check.source,
        "at": check.at,
        "healthy": check.healthy,
        "seconds": check.seconds,
        "error_kind": check.error_kind,
        "detail": check.detail,
    }
    connection.execute(sa.insert(CHECKS).values(values))
    connection.execute(sa.delete(CHECKS).where(CHECKS.c.source == check.source, CHECKS.c.at < check.at - _KEPT))
    return was


def last(connection: Connection, source: str, *, limit: int) -> list[Check]:
    """The latest checks of a source, newest first."""
    query = sa.select(CHECKS).where(CHECKS.c.source == source).order_by(CHECKS.c.at.desc(), CHECKS.c.id.desc())
    return [
        Check(
            source=row.source,
            at=row.at,
            healthy=row.healthy,
            seconds=row.seconds,
            detail=row.detail,
            error_kind=row.error_kind,
        )
        for row in connection.execute(query.limit(limit))
    ]


def overview(connection: Connection, *, limit: int) -> list[Health]:
    """Of each source that was ever checked, what its last `limit` checks say."""
    names = connection.execute(sa.select(CHECKS.c.source).distinct().order_by(CHECKS.c.source)).scalars().all()
    return [health_of(last(connection, name, limit=limit)) for name in names]


def health_of(checks: list[Check]) -> Health:
    """At least one check, newest first."""
    answered = [check.seconds for check in checks if check.healthy]
    return Health(
        source=checks[0].source,
        checks=len(checks),
        available=len(answered) / len(checks),
        median_seconds=median(answered) if answered else 0.0,
        last=checks[0],
    )
