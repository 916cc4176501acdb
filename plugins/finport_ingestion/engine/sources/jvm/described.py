"""What columns of a JDBC result are: by the numbers of java.sql.Types, and those that vendors added."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from finport_ingestion.engine.logical import LogicalType

_MOST_DIGITS = 76
_MICROSECONDS = 6


class Kind(Enum):
    """How values are asked for: the getter, the class it is told, and the getter of drivers before JDBC 4.2."""

    TEXT = ("getString", None, "getString")
    PLAIN = ("getObject", None, "getObject")
    DECIMAL = ("getBigDecimal", None, "getBigDecimal")
    BINARY = ("getBytes", None, "getBytes")
    DAY = ("getObject", "java.time.LocalDate", "getDate")
    TIME = ("getObject", "java.time.LocalTime", "getTime")
    MOMENT = ("getObject", "java.time.LocalDateTime", "getTimestamp")
    MOMENT_IN_ZONE = ("getObject", "java.time.OffsetDateTime", "getTimestamp")

    def __init__(self, getter: str, java_class: str | None, old_getter: str) -> None:
        self.getter = getter
        self.java_class = java_class
        self.old_getter = old_getter


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column as the driver describes it."""

    name: str
    number: int  # of java.sql.Types, or the vendor's own
    type_name: str
    precision: int
    scale: int
    is_signed: bool

    def __getitem__(self, index: int) -> object:
        """As DB-API describes a column: the name comes first."""
        return (self.name, self, None, None, None, None, None)[index]

    @property
    def kind(self) -> Kind:
        # H2 and HSQLDB call it binary; its own spelling is what everybody writes.
        return Kind.PLAIN if self._is_uuid else _KINDS.get(self.number, Kind.TEXT)

    @property
    def type(self) -> LogicalType | None:
        """None: a decimal whose digits nobody declared."""
        if self.number == _BIGINT and not self.is_signed:
            return LogicalType("decimal", 20, 0)
        if self.kind is Kind.DECIMAL:
            declared = 0 <= self.scale <= self.precision <= _MOST_DIGITS and self.precision > 0
            return LogicalType("decimal", self.precision, self.scale) if declared else None
        return LogicalType("text") if self._is_uuid else _TYPES.get(self.number, LogicalType("text"))

    @property
    def _is_uuid(self) -> bool:
        return self.type_name.upper() in ("UUID", "UNIQUEIDENTIFIER")

    @property
    def is_large(self) -> bool:
        """Whether a database may refuse to order rows by it."""
        return self.number in _LARGE

    @property
    def finer_than_microseconds(self) -> bool:
        return self.kind in (Kind.MOMENT, Kind.MOMENT_IN_ZONE, Kind.TIME) and self.scale > _MICROSECONDS


_BIGINT = -5
_INTEGERS = (-6, 5, 4, _BIGINT)
_FLOATS = (6, 7, 8, 100, 101)
_DECIMALS = (2, 3)
_BOOLEANS = (-7, 16)
_BINARIES = (-2, -3, -4, 2004)
_IN_ZONE = (2014, -101, -102, -155)
"""TIMESTAMP_WITH_TIMEZONE; Oracle's own two; SQL Server's DATETIMEOFFSET."""
_LARGE = frozenset({-4, -1, -16, 2004, 2005, 2009, 2011, 2000, 2002, 2003, 1111})
_KINDS = {
    **dict.fromkeys((*_INTEGERS, *_FLOATS, *_BOOLEANS), Kind.PLAIN),
    **dict.fromkeys(_DECIMALS, Kind.DECIMAL),
    **dict.fromkeys(_BINARIES, Kind.BINARY),
    **dict.fromkeys(_IN_ZONE, Kind.MOMENT_IN_ZONE),
    91: Kind.DAY,
    92: Kind.TIME,
    93: Kind.MOMENT,
}
_TYPES = {
    **dict.fromkeys(_INTEGERS, LogicalType("integer")),
    **dict.fromkeys(_FLOATS, LogicalType("float")),
    **dict.fromkeys(_BOOLEANS, LogicalType("boolean")),
    **dict.fromkeys(_BINARIES, LogicalType("binary")),
    **dict.fromkeys(_IN_ZONE, LogicalType("timestamp", time_zone="UTC")),
    91: LogicalType("date"),
    92: LogicalType("time"),
    93: LogicalType("timestamp"),
}
