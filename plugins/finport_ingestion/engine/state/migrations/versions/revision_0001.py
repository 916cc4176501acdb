"""The first tables: runs and their steps, leases, what is published, and the outbox."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STEP = ("workflow", "run_id", "source", "step", "phase")


def upgrade() -> None:
    """Make all tables."""
    _make_runs()
    _make_steps()
    _make_leases()
    _make_publications()
    _make_memory()
    _make_outbox()


def _make_runs() -> None:
    op.create_table(
        "finport_plans",
        *_keys("finport_plans", "digest"),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table("finport_pins", *_keys("finport_pins", "workflow", "run_id"), _text("digest"), _time("pinned_at"))
    op.create_table(
        "finport_runs",
        *_keys("finport_runs", "workflow", "run_id"),
        _time("run_after"),
        _text("trigger"),
        sa.Column("flags", sa.JSON, nullable=False),
        _text("driver"),
        _text("status"),
        _time("started_at"),
        _time("ended_at", nullable=True),
    )
    _index("finport_runs", "started_at")
    op.create_table(
        "finport_sagas",
        *_keys("finport_sagas", "workflow", "run_id", "source"),
        _text("dataset"),
        _text("status"),
        _text("reason", nullable=True),
        _time("opened_at"),
        _time("closed_at", nullable=True),
    )
    _index("finport_sagas", "source", "opened_at")
    _index("finport_sagas", "status")


def _make_steps() -> None:
    op.create_table(
        "finport_steps",
        *(_text(name) for name in _STEP),
        _number("batch"),
        _text("dataset"),
        _number("position"),
        _text("status"),
        _number("try_number"),
        _time("started_at", nullable=True),
        _time("ended_at", nullable=True),
        _time("expires_at", nullable=True),
        *_actor(),
        sa.Column("result", sa.JSON),
        _text("error_kind", nullable=True),
        _text("reason", nullable=True),
        _time("compensated_at", nullable=True),
        sa.PrimaryKeyConstraint(*_STEP, "batch", name="pk_finport_steps"),
    )
    op.create_table(
        "finport_notes",
        *_serial("finport_notes", "id"),
        *(_text(name) for name in _STEP),
        _number("batch"),
        _number("try_number"),
        _time("at"),
        _text("kind"),
        _text("text"),
    )
    _index("finport_notes", "workflow", "run_id")
    op.create_table(
        "finport_checkpoints",
        *(_text(name) for name in _STEP),
        _number("batch"),
        _text("name"),
        sa.Column("value", sa.JSON, nullable=False),
        _time("saved_at"),
        sa.PrimaryKeyConstraint(*_STEP, "batch", "name", name="pk_finport_checkpoints"),
    )


def _make_leases() -> None:
    op.create_table(
        "finport_leases",
        *_keys("finport_leases", "source", "dataset"),
        _text("workflow", nullable=True),
        _text("run_id", nullable=True),
        *_actor(),
        _time("expires_at", nullable=True),
    )


def _make_publications() -> None:
    op.create_table(
        "finport_publications",
        *_serial("finport_publications", "id"),
        *(_text(name) for name in ("source", "dataset", "storage", "commit_id")),
        _number("position"),
        _text("run_id"),
        _number("row_count", sa.BigInteger),
        _text("replaces"),
        sa.Column("items", sa.JSON, nullable=False),
        sa.Column("watermark", sa.JSON),
        _time("published_at"),
        sa.UniqueConstraint(
            *("source", "dataset", "storage", "commit_id"),
            name="uq_finport_publications_source_dataset_storage_commit_id",
        ),
    )
    _index("finport_publications", "source", "dataset", "position")
    op.create_table(
        "finport_updates",
        _number("publication"),
        _text("name"),
        _time("updated_at"),
        sa.PrimaryKeyConstraint("publication", "name", name="pk_finport_updates"),
    )
    _index("finport_updates", "name", "updated_at")


def _make_memory() -> None:
    op.create_table(
        "finport_fingerprints",
        *_keys("finport_fingerprints", "source", "dataset", "item"),
        _text("sha256"),
        sa.Column("size_bytes", sa.BigInteger),
        _time("modified_at", nullable=True),
        _text("etag", nullable=True),
        sa.Column("record_count", sa.BigInteger),
        _number("publication"),
    )
    op.create_table(
        "finport_watermarks",
        *_keys("finport_watermarks", "source", "dataset"),
        sa.Column("watermark", sa.JSON, nullable=False),
        _number("publication"),
    )


def _make_outbox() -> None:
    op.create_table(
        "finport_outbox",
        *_serial("finport_outbox", "position"),
        *(_text(name) for name in ("id", "type", "source", "subject")),
        _time("time"),
        _text("body"),
        _text("workflow", nullable=True),
        _text("run_id", nullable=True),
        sa.UniqueConstraint("id", name="uq_finport_outbox_id"),
        sqlite_autoincrement=True,
    )
    _index("finport_outbox", "workflow", "run_id")
    op.create_table(
        "finport_deliveries",
        _text("relay"),
        _number("position"),
        _text("subject"),
        _time("sent_at", nullable=True),
        _time("claimed_until", nullable=True),
        _number("attempts"),
        _text("last_error", nullable=True),
        sa.PrimaryKeyConstraint("relay", "position", name="pk_finport_deliveries"),
    )
    _index("finport_deliveries", "position")
    unsent = sa.text("sent_at IS NULL")
    op.create_index(
        *("ix_finport_deliveries_waiting", "finport_deliveries", ["relay", "position"]),
        sqlite_where=unsent,
        postgresql_where=unsent,
    )


def _keys(table: str, *names: str) -> list[sa.schema.SchemaItem]:
    return [*(_text(name) for name in names), sa.PrimaryKeyConstraint(*names, name=f"pk_{table}")]


def _serial(table: str, name: str) -> list[sa.schema.SchemaItem]:
    return [sa.Column(name, sa.Integer, nullable=False), sa.PrimaryKeyConstraint(name, name=f"pk_{table}")]


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _actor() -> list[sa.schema.SchemaItem]:
    return [sa.Column("host", sa.Text), sa.Column("pid", sa.BigInteger), sa.Column("process_start", sa.Text)]


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
