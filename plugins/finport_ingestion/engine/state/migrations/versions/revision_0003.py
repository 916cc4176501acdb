"""Tokens of authentication, sealed: shared by all processes and renewed by one of them at a time."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "finport_tokens",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        _time("saved_at"),
        sa.Column("claim", sa.Text),
        _time("expires_at"),
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.BigInteger),
        sa.Column("process_start", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_finport_tokens"),
    )


def _time(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True))
