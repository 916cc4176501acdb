"""What columns of Oracle are, by the driver's description of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from finport_ingestion.engine.logical import LogicalType
from finport_ingestion.engine.sources.database.nanoseconds import of_moment
from finport_ingestion.engine.sources.database.relation import Column

_MOST_DIGITS = 76
_MICROSECONDS = 6
_FORMAT: sa.ColumnElement[str] = sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.FF9'""")
_TEXTS = ("VARCHAR", "NVARCHAR", "CHAR", "NCHAR", "LONG", "LONG_NVARCHAR", "ROWID")
_LARGE_TEXTS = ("CLOB", "NCLOB")
_TIMES = ("TIMESTAMP", "TIMESTAMP_TZ", "TIMESTAMP_LTZ")


def columns_of(rows: sa.FromClause, description: Sequence[Any]) -> tuple[Column, ...]:
    """The columns of a relation; `description` as DB-API gives it."""
    return tuple(_column(rows.c[each[0]], each) for each in description)


def _column(stored: sa.ColumnElement[Any], each: Any) -> Column:
    kind = str(each[1].name).removeprefix("DB_TYPE_")
    name = str(each[0])
    if kind == "NUMBER":
        return Column(name=name, type=_declared(each[4], each[5]), selected=stored, ordered=stored)
    if kind in _TIMES:
        return _moment(stored, name, kind, digits=each[5])
    if kind in _PLAIN:
        sorts = kind not in ("BLOB", "LONG_RAW")
        return Column(name=name, type=_PLAIN[kind], selected=stored, ordered=stored, sorts=sorts)
    if kind in _LARGE_TEXTS:
        return Column(name=name, type=LogicalType("text"), selected=stored, ordered=stored, sorts=False)
    if kind == "JSON":
        # The driver would make Python's objects of it, and doubles of its numbers.
        text = sa.func.json_serialize(stored)
        return Column(name=name, type=LogicalType("json"), selected=text, ordered=text, sorts=False)
    if kind in _TEXTS:
        return Column(name=name, type=LogicalType("text"), selected=stored, ordered=stored, sorts=kind != "LONG")
    spelled = sa.func.to_char(stored)
    return Column(name=name, type=LogicalType("text"), selected=spelled, ordered=spelled, sorts=False)


def _declared(precision: int | None, scale: int | None) -> LogicalType | None:
    if not precision or scale is None or not 0 <= scale <= precision <= _MOST_DIGITS:
        return None
    return LogicalType("decimal", precision, scale)


def _moment(stored: sa.ColumnElement[Any], name: str, kind: str, *, digits: int | None) -> Column:
    """In UTC where it has a zone, which the driver drops; in nanoseconds, which it cuts, as text."""
    has_zone = kind != "TIMESTAMP"
    moment: sa.ColumnElement[Any] = sa.func.sys_extract_utc(stored) if has_zone else stored
    finer = (digits or 0) > _MICROSECONDS
    zone = "UTC" if has_zone else None
    exact: Callable[[Any], Any] | None = of_moment if finer else (in_utc if has_zone else None)
    return Column(
        name=name,
        type=LogicalType("timestamp", time_zone=zone),
        selected=sa.func.to_char(moment, _FORMAT) if finer else moment,
        ordered=moment,
        exact=exact,
        finer_than_microseconds=finer,
    )


def in_utc(value: Any) -> datetime:
    """A moment that the server gave in UTC. Raises TypeError where it is none."""
    if not isinstance(value, datetime):
        raise TypeError("no time")
    return value.replace(tzinfo=UTC)


_PLAIN = {
    "DATE": LogicalType("timestamp"),  # it holds a time of day, too
    "BINARY_FLOAT": LogicalType("float"),
    "BINARY_DOUBLE": LogicalType("float"),
    "BOOLEAN": LogicalType("boolean"),
    "RAW": LogicalType("binary"),
    "LONG_RAW": LogicalType("binary"),
    "BLOB": LogicalType("binary"),
}
