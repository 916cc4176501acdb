"""What is known of the APIs behind the sources: rates, quotas, circuits, sessions, health, who stands in."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_limits()
    _make_health()
    _make_runs()


def _make_limits() -> None:
    op.create_table("finport_rates", *_keys("finport_rates", "key"), _json("content"), _time("updated_at"))
    op.create_table("finport_quotas", *_keys("finport_quotas", "key", "day"), _count("used"), _time("updated_at"))
    op.create_table(
        "finport_circuits",
        *_keys("finport_circuits", "key"),
        _text("status"),
        _json("content"),
        _time("changed_at"),
    )
    op.create_table(
        "finport_sessions",
        *_keys("finport_sessions", "key", "holder"),
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.BigInteger),
        sa.Column("process_start", sa.Text),
        _time("expires_at"),
    )


def _make_health() -> None:
    op.create_table(
        "finport_checks",
        sa.Column("id", sa.Integer, nullable=False),
        _text("source"),
        _time("at"),
        sa.Column("healthy", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        _text("error_kind", nullable=True),
        _text("detail"),
        sa.PrimaryKeyConstraint("id", name="pk_finport_checks"),
    )
    op.create_index("ix_finport_checks_source_at", "finport_checks", ["source", "at"])
    op.create_table(
        "finport_served",
        *_keys("finport_served", "source", "dataset"),
        _text("served_by"),
        _time("since"),
        _time("stale_since", nullable=True),
        _text("reason", nullable=True),
    )


def _make_runs() -> None:
    op.create_table(
        "finport_requests",
        *_keys("finport_requests", "workflow", "run_id", "source"),
        _text("key"),
        *(_count(name) for name in ("sent", "counted", "failed", "limited")),
        _time("updated_at"),
    )
    op.create_index("ix_finport_requests_source_updated_at", "finport_requests", ["source", "updated_at"])
    op.create_table(
        "finport_lowered",
        *_keys("finport_lowered", "workflow", "run_id", "source", "measure"),
        _text("reason", nullable=True),
        _time("at"),
    )
    op.create_index("ix_finport_lowered_source_at", "finport_lowered", ["source", "at"])


def _keys(table: str, *names: str) -> list[sa.schema.SchemaItem]:
    return [*(_text(name) for name in names), sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")]


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
