"""What the tables of a dataset are called; names reach SQL as identifiers only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from finport_ingestion.engine.errors import ConfigError

LONGEST_BYTES = 63
"""PostgreSQL cuts longer names without a word."""
ITEM_COLUMN = "_finport_item"
SOURCE_COLUMN = "_finport_source"
REPLACED_COLUMN = "_finport_replaced_by"
OWN_PREFIX = "_finport_"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName:
    """A table and what lies beside it in the same schema."""

    schema: str
    table: str

    @staticmethod
    def parse(text: str) -> TableName:
        """`schema.table` or `table`.

        Raises:
            ConfigError: A part is empty or too long for PostgreSQL.
        """
        schema, _, table = text.rpartition(".")
        name = TableName(schema=schema or "public", table=table)
        for part in (name.schema, name.table):
            check_name(part, what="table name")
            if "%" in part:
                raise ConfigError(f"table name '{part}' contains '%'.", hint="give it another name")
        return name

    @property
    def text(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def rows(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)

    @property
    def history(self) -> sql.Identifier:
        """Rows that were replaced, kept until they expire."""
        return sql.Identifier(self.schema, suffixed(self.table, "__finport_history"))

    @property
    def commits(self) -> sql.Identifier:
        return sql.Identifier(self.schema, "finport_commits")

    @property
    def items(self) -> sql.Identifier:
        return sql.Identifier(self.schema, "finport_items")


def suffixed(name: str, suffix: str) -> str:
    """`name` with a suffix, unique and short enough for PostgreSQL."""
    whole = name + suffix
    if len(whole.encode()) <= LONGEST_BYTES:
        return whole
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = LONGEST_BYTES - len(suffix.encode()) - len(digest) - 1
    return f"{name.encode()[:room].decode(errors='ignore')}_{digest}{suffix}"


def check_name(name: str, *, what: str) -> None:
    """Raise ConfigError where PostgreSQL would refuse or cut a name."""
    if not name or len(name.encode()) > LONGEST_BYTES:
        raise ConfigError(
            f"{what} '{name}' has {len(name.encode())} bytes; PostgreSQL takes 1 to {LONGEST_BYTES}.",
            hint="give it a shorter name",
        )


def listed(columns: Sequence[str], *, of: str | None = None) -> sql.Composed:
    """Columns as a comma separated list of identifiers, of table alias `of` if it is given."""
    names = (sql.Identifier(of, column) if of else sql.Identifier(column) for column in columns)
    return sql.SQL(", ").join(names)
