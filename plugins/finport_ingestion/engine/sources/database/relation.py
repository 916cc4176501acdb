"""What is read of a database: a table or a query, its columns, and the order of its rows."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType, to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

PRECISIONS = (18, 38, 76)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a relation."""

    name: str
    type: LogicalType | None  # None: a decimal whose digits nobody declared; the listing finds them
    selected: sa.ColumnElement[Any]
    ordered: sa.ColumnElement[Any]  # what ranges, watermarks and ORDER BY compare
    exact: Callable[[Any], Any] | None = None  # a stored value as Arrow takes it; raises ValueError or TypeError

    finer_than_microseconds: bool = False  # a time that the database keeps in nanoseconds
    as_text: sa.ColumnElement[Any] | None = None  # where it is text after all; a cast by default
    sorts: bool = True  # whether the database can order rows by it

    @property
    def arrow(self) -> pa.DataType:
        """What its values become; text where nobody knows its type."""
        import pyarrow as pa

        if self.finer_than_microseconds and self.type:
            return pa.time64("ns") if self.type.kind == "time" else pa.timestamp("ns", tz=self.type.time_zone)
        return to_arrow(self.type or LogicalType("text"))

    @property
    def kind(self) -> str:
        return self.type.kind if self.type else "decimal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or a query."""

    name: str
    rows: sa.FromClause
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()  # names of the primary key's columns
    row_id: sa.ColumnElement[Any] | None = None  # names a row in messages

    def column(self, name: str, *, source: str) -> Column:
        """The column called so.

        Raises:
            ConfigError: There is none; the nearest name is in the hint.
        """
        by_name = {column.name: column for column in self.columns}
        if name in by_name:
            return by_name[name]
        near = difflib.get_close_matches(name, by_name, n=1)
        raise ConfigError(
            f"{source}: {self.name} has no column '{name}'.",
            hint=f"did you mean '{near[0]}'?" if near else f"it has {', '.join(by_name)}",
        )

    def order(self) -> list[sa.ColumnElement[Any]]:
        """The key, or all columns where there is none: the same rows come in the same order again."""
        by_name = {column.name: column for column in self.columns}
        return [by_name[name].ordered for name in self.key or by_name if by_name[name].sorts]


def decimal_type(integer_digits: int, scale: int) -> LogicalType:
    """The smallest step of precision that holds the digits; text beyond the last."""
    needed = max(1, integer_digits + scale)
    fitting = next((precision for precision in PRECISIONS if needed <= precision), None)
    return LogicalType("decimal", fitting, scale) if fitting else LogicalType("text")
