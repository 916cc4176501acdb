"""The tables that hold what is known of the APIs behind the sources."""

from __future__ import annotations

import sqlalchemy as sa

from finport_ingestion.engine.state.columns import METADATA as METADATA
from finport_ingestion.engine.state.columns import UtcTime, actor, key, text

RATES = sa.Table(
    "finport_rates",
    METADATA,
    key("key"),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)
"""What each credential was granted lately, where no Redis keeps it."""

QUOTAS = sa.Table(
    "finport_quotas",
    METADATA,
    key("key"),
    key("day"),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
)

CIRCUITS = sa.Table(
    "finport_circuits",
    METADATA,
    key("key"),
    text("status"),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
)

SESSIONS = sa.Table(
    "finport_sessions",
    METADATA,
    key("key"),
    key("holder"),
    *actor(),
    sa.Column("expires_at", UtcTime, nullable=False),
)

CHECKS = sa.Table(
    "finport_checks",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    text("source"),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("healthy", sa.Boolean, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("error_kind", sa.Text),
    text("detail"),
    sa.Index(None, "source", "at"),
)

REQUESTS = sa.Table(
    "finport_requests",
    METADATA,
    key("workflow"),
    key("run_id"),
    key("source"),
    text("key"),
    sa.Column("sent", sa.BigInteger, nullable=False),
    sa.Column("counted", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("limited", sa.BigInteger, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Index(None, "source", "updated_at"),
)
"""How many requests a run sent to a source; `counted` are those that a daily quota counts."""

SERVED = sa.Table(
    "finport_served",
    METADATA,
    key("source"),
    key("dataset"),
    text("served_by"),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("stale_since", UtcTime),
    sa.Column("reason", sa.Text),
)
"""Who stands in for a source; no row, or its own name, when nobody does."""

LOWERED = sa.Table(
    "finport_lowered",
    METADATA,
    key("workflow"),
    key("run_id"),
    key("source"),
    key("measure"),
    sa.Column("reason", sa.Text),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index(None, "source", "at"),
)
"""Each run that used a weaker protection, and the reason that stands in the document."""
