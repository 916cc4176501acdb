"""The tables of the state database, as SQLAlchemy Core sees them; `migrations/` makes them.

Every name begins with `finport_`: the database may be shared with other programs. No batch is stored as -1, because
a key column cannot be NULL.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

NO_BATCH = -1
VERSION_TABLE = "finport_alembic_version"
"""Where Alembic writes which revision the database is of."""


class UtcTime(sa.TypeDecorator[datetime]):
    """An aware moment; SQLite keeps no zone, so UTC goes in and UTC comes out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the state database keeps aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _step_key() -> list[sa.Column[str] | sa.Column[int]]:
    names = ("workflow", "run_id", "source", "step", "phase")
    return [*(_key(name) for name in names), sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False)]


def _actor() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.BigInteger),
        sa.Column("process_start", sa.Text),
    ]


PLANS = sa.Table(
    "finport_plans",
    METADATA,
    _key("digest"),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

PINS = sa.Table(
    "finport_pins",
    METADATA,
    _key("workflow"),
    _key("run_id"),
    _text("digest"),
    sa.Column("pinned_at", UtcTime, nullable=False),
)

RUNS = sa.Table(
    "finport_runs",
    METADATA,
    _key("workflow"),
    _key("run_id"),
    sa.Column("run_after", UtcTime, nullable=False),
    _text("trigger"),
    sa.Column("flags", sa.JSON, nullable=False),
    _text("driver"),
    _text("status"),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Index(None, "started_at"),
)

SAGAS = sa.Table(
    "finport_sagas",
    METADATA,
    _key("workflow"),
    _key("run_id"),
    _key("source"),
    _text("dataset"),
    _text("status"),
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
    _text("dataset"),
    sa.Column("position", sa.Integer, nullable=False),
    _text("status"),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("expires_at", UtcTime),
    *_actor(),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error_kind", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("compensated_at", UtcTime),
)

NOTES = sa.Table(
    "finport_notes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("workflow"),
    _text("run_id"),
    _text("source"),
    _text("step"),
    _text("phase"),
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    _text("kind"),
    _text("text"),
    sa.Index(None, "workflow", "run_id"),
)

CHECKPOINTS = sa.Table(
    "finport_checkpoints",
    METADATA,
    *_step_key(),
    _key("name"),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("saved_at", UtcTime, nullable=False),
)

LEASES = sa.Table(
    "finport_leases",
    METADATA,
    _key("source"),
    _key("dataset"),
    sa.Column("workflow", sa.Text),
    sa.Column("run_id", sa.Text),
    *_actor(),
    sa.Column("expires_at", UtcTime),
)

PUBLICATIONS = sa.Table(
    "finport_publications",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    _text("source"),
    _text("dataset"),
    _text("storage"),
    _text("commit_id"),
    sa.Column("position", sa.Integer, nullable=False),
    _text("run_id"),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    _text("replaces"),
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
    _key("name"),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Index(None, "name", "updated_at"),
)

FINGERPRINTS = sa.Table(
    "finport_fingerprints",
    METADATA,
    _key("source"),
    _key("dataset"),
    _key("item"),
    _text("sha256"),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("modified_at", UtcTime),
    sa.Column("etag", sa.Text),
    sa.Column("record_count", sa.BigInteger),
    sa.Column("publication", sa.Integer, nullable=False),
)

WATERMARKS = sa.Table(
    "finport_watermarks",
    METADATA,
    _key("source"),
    _key("dataset"),
    sa.Column("watermark", sa.JSON, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
)

OUTBOX = sa.Table(
    "finport_outbox",
    METADATA,
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    _text("type"),
    _text("source"),
    _text("subject"),
    sa.Column("time", UtcTime, nullable=False),
    _text("body"),
    sa.Column("workflow", sa.Text),
    sa.Column("run_id", sa.Text),
    sa.Index(None, "workflow", "run_id"),
    # Positions of removed events must not come back: the order of a subject hangs on them.
    sqlite_autoincrement=True,
)

DELIVERIES = sa.Table(
    "finport_deliveries",
    METADATA,
    _key("relay"),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    _text("subject"),
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
