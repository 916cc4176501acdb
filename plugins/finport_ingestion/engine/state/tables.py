"""The tables of the state database, as SQLAlchemy Core sees them; `migrations/` makes them.

No batch is stored as -1, because a key column cannot be NULL.
"""

from __future__ import annotations

import sqlalchemy as sa

from finport_ingestion.engine.state.columns import METADATA as METADATA
from finport_ingestion.engine.state.columns import UtcTime, actor, key, text

NO_BATCH = -1
VERSION_TABLE = "finport_alembic_version"
"""Where Alembic writes which revision the database is of."""


def _step_key() -> list[sa.Column[str] | sa.Column[int]]:
    names = ("workflow", "run_id", "source", "step", "phase")
    return [*(key(name) for name in names), sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False)]


PLANS = sa.Table(
    "finport_plans",
    METADATA,
    key("digest"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

PINS = sa.Table(
    "finport_pins",
    METADATA,
    key("workflow"),
    key("run_id"),
    text("digest"),
    sa.Column("pinned_at", UtcTime, nullable=False),
)

RUNS = sa.Table(
    "finport_runs",
    METADATA,
    key("workflow"),
    key("run_id"),
    sa.Column("run_after", UtcTime, nullable=False),
    text("trigger"),
    sa.Column("flags", sa.JSON, nullable=False),
    text("driver"),
    text("status"),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Index(None, "started_at"),
)

SAGAS = sa.Table(
    "finport_sagas",
    METADATA,
    key("workflow"),
    key("run_id"),
    key("source"),
    text("dataset"),
    text("status"),
    sa.Column("reason", sa.Text),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("closed_at", UtcTime),
    sa.Index(None, "source", "opened_at"),
    sa.Index(None, "status"),
)

STEPS = sa.Table(
    "finport_steps",
    METADATA,
    *_step_key(),
    text("dataset"),
    sa.Column("position", sa.Integer, nullable=False),
    text("status"),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("expires_at", UtcTime),
    *actor(),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error_kind", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("compensated_at", UtcTime),
)

NOTES = sa.Table(
    "finport_notes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    text("workflow"),
    text("run_id"),
    text("source"),
    text("step"),
    text("phase"),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    text("kind"),
    text("text"),
    sa.Index(None, "workflow", "run_id"),
)

CHECKPOINTS = sa.Table(
    "finport_checkpoints",
    METADATA,
    *_step_key(),
    key("name"),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("saved_at", UtcTime, nullable=False),
)

LEASES = sa.Table(
    "finport_leases",
    METADATA,
    key("source"),
    key("dataset"),
    sa.Column("workflow", sa.Text),
    sa.Column("run_id", sa.Text),
    *actor(),
    sa.Column("expires_at", UtcTime),
)

PUBLICATIONS = sa.Table(
    "finport_publications",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    text("source"),
    text("dataset"),
    text("storage"),
    text("commit_id"),
    sa.Column("position", sa.Integer, nullable=False),
    text("run_id"),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    text("replaces"),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Column("watermark", sa.JSON(none_as_null=True)),
    sa.Column("published_at", UtcTime, nullable=False),
    sa.UniqueConstraint("source", "dataset", "storage", "commit_id"),
    sa.Index(None, "source", "dataset", "position"),
)

UPDATES = sa.Table(
    "finport_updates",
    METADATA,
    sa.Column("publication", sa.Integer, primary_key=True, autoincrement=False),
    key("name"),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Index(None, "name", "updated_at"),
)

FINGERPRINTS = sa.Table(
    "finport_fingerprints",
    METADATA,
    key("source"),
    key("dataset"),
    key("item"),
    text("sha256"),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("modified_at", UtcTime),
    sa.Column("etag", sa.Text),
    sa.Column("record_count", sa.BigInteger),
    sa.Column("publication", sa.Integer, nullable=False),
)

WATERMARKS = sa.Table(
    "finport_watermarks",
    METADATA,
    key("source"),
    key("dataset"),
    sa.Column("watermark", sa.JSON, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
)

OUTBOX = sa.Table(
    "finport_outbox",
    METADATA,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    text("type"),
    text("source"),
    text("subject"),
    sa.Column("time", UtcTime, nullable=False),
    text("body"),
    sa.Column("workflow", sa.Text),
    sa.Column("run_id", sa.Text),
    sa.Index(None, "workflow", "run_id"),
    # Positions of removed events must not come back: the order of a subject hangs on them.
    sqlite_autoincrement=True,
)

DELIVERIES = sa.Table(
    "finport_deliveries",
    METADATA,
    key("relay"),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    text("subject"),
    sa.Column("sent_at", UtcTime),
    sa.Column("claimed_until", UtcTime),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Index(None, "position"),
    sa.Index(
        "ix_finport_deliveries_waiting",
        "relay",
        "position",
        sqlite_where=sa.text("sent_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL"),
    ),
)

TOKENS = sa.Table(
    "finport_tokens",
    METADATA,
    key("key"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary),
    sa.Column("saved_at", UtcTime),
    sa.Column("claim", sa.Text),
    sa.Column("expires_at", UtcTime),  # of the claim
    *actor(),
)
