"""What the tables of the state database are made of.

Every name begins with `finport_`: the database may be shared with other programs.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


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


def key(name: str) -> sa.Column[str]:
    """A part of the primary key."""
    return sa.Column(name, sa.Text, primary_key=True)


def text(name: str) -> sa.Column[str]:
    """Text that is always there."""
    return sa.Column(name, sa.Text, nullable=False)


def actor() -> list[sa.Column[str] | sa.Column[int]]:
    """A process; its host, its number and when it began."""
    return [
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.BigInteger),
        sa.Column("process_start", sa.Text),
    ]
