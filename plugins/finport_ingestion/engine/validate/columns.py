"""The staged columns as SQL sees them, and values spelled as literals of a column's own type.

Columns go by position (`c0`, `c1`, ...): DuckDB takes `Close` and `close` for one name, and a source may well deliver
both. Decimals wider than DuckDB's 38 digits reach it as 32 bytes that sort as the numbers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

import pyarrow as pa

_WIDE_BYTES = 32
_SIGN = 1 << (8 * _WIDE_BYTES - 1)


class Kind(StrEnum):
    """How values of a column are compared."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    WIDE = "wide decimal"  # more than 38 digits
    FLOAT = "float"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    OTHER = "other"  # binary, nested, null: present or missing, equal or not


FIXED_POINT = (Kind.INTEGER, Kind.DECIMAL, Kind.WIDE)
NUMBERS = (*FIXED_POINT, Kind.FLOAT)
BOUNDED = (*NUMBERS, Kind.DATE, Kind.TIMESTAMP)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedColumn:
    """One column of the staged parts."""

    name: str
    position: int
    type: pa.DataType
    kind: Kind

    @property
    def sql(self) -> str:
        return f"c{self.position}"

    @property
    def text(self) -> str:
        """SQL of the value's exact text."""
        if self.kind is Kind.WIDE:
            return f"t{self.position}"
        return self.sql if self.kind is Kind.TEXT else f"CAST({self.sql} AS VARCHAR)"

    @property
    def missing(self) -> str:
        """SQL that is true where there is no value; NaN is none, as in pandas and Great Expectations."""
        return f"({self.sql} IS NULL OR isnan({self.sql}))" if self.kind is Kind.FLOAT else f"({self.sql} IS NULL)"

    @property
    def scale(self) -> int:
        return int(self.type.scale) if self.kind in (Kind.DECIMAL, Kind.WIDE) else 0


def staged_columns(schema: pa.Schema) -> dict[str, StagedColumn]:
    """The columns of `schema` by name, in its order."""
    return {
        field.name: StagedColumn(name=field.name, position=position, type=field.type, kind=_kind(field.type))
        for position, field in enumerate(schema)
    }


def _kind(type_: pa.DataType) -> Kind:
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_decimal(type_):
        return Kind.WIDE if pa.types.is_decimal256(type_) else Kind.DECIMAL
    tests = (
        (pa.types.is_integer, Kind.INTEGER),
        (pa.types.is_floating, Kind.FLOAT),
        (pa.types.is_string, Kind.TEXT),
        (pa.types.is_large_string, Kind.TEXT),
        (pa.types.is_string_view, Kind.TEXT),
        (pa.types.is_boolean, Kind.BOOLEAN),
        (pa.types.is_date, Kind.DATE),
        (pa.types.is_time, Kind.TIME),
        (pa.types.is_timestamp, Kind.TIMESTAMP),
    )
    return next((kind for test, kind in tests if test(type_)), Kind.OTHER)


def at_least(column: StagedColumn, value: object, *, strict: bool, subject: str | None = None) -> str:
    """SQL that is true where the column (or `subject` of its type) is not below `value`; above it, if strict.

    Raises:
        ValueError: `value` cannot be compared with the column; the message says why.
    """
    if column.kind in FIXED_POINT:
        exact = _scaled(column, value)
        lowest = math.floor(exact) + 1 if strict else math.ceil(exact)
        smallest, largest = _unscaled_range(column)
        if lowest > largest:
            return "FALSE"
        return "TRUE" if lowest <= smallest else f"{subject or column.sql} >= {_unscaled_literal(column, lowest)}"
    return f"{subject or column.sql} {'>' if strict else '>='} {_bound(column, value)}"


def at_most(column: StagedColumn, value: object, *, strict: bool, subject: str | None = None) -> str:
    """SQL that is true where the column is not above `value`; below it, if strict. Raises as `at_least`."""
    if column.kind in FIXED_POINT:
        exact = _scaled(column, value)
        highest = math.ceil(exact) - 1 if strict else math.floor(exact)
        smallest, largest = _unscaled_range(column)
        if highest < smallest:
            return "FALSE"
        return "TRUE" if highest >= largest else f"{subject or column.sql} <= {_unscaled_literal(column, highest)}"
    return f"{subject or column.sql} {'<' if strict else '<='} {_bound(column, value)}"


def literal(column: StagedColumn, value: object) -> str | None:
    """`value` as SQL of the column's type; None where the column can hold no such value. Raises as `at_least`."""
    if column.kind in FIXED_POINT:
        exact = _scaled(column, value)
        smallest, largest = _unscaled_range(column)
        whole = exact.denominator == 1 and smallest <= exact.numerator <= largest
        return _unscaled_literal(column, exact.numerator) if whole else None
    if column.kind is Kind.BOOLEAN:
        return _boolean(value)
    return _spelled(column, value)


def wide_key(unscaled: int) -> bytes:
    """An unscaled decimal256 as bytes that sort as the numbers do: big-endian two's complement, sign bit flipped."""
    return (unscaled + _SIGN).to_bytes(_WIDE_BYTES, "big")


def quoted(text: str) -> str:
    """`text` as an SQL string.

    Raises:
        ValueError: It holds a NUL, which SQL text cannot.
    """
    if "\0" in text:
        raise ValueError("a value holds a NUL character")
    return "'" + text.replace("'", "''") + "'"


def number(value: object) -> Decimal:
    """`value` as the decimal that its author wrote.

    Raises:
        ValueError: It is no number.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError(f"'{value}' is no number") from None
    if not exact.is_finite():
        raise ValueError(f"'{value}' is no finite number")
    return exact


def _scaled(column: StagedColumn, value: object) -> Fraction:
    return Fraction(number(value)) * Fraction(10**column.scale)


def _unscaled_range(column: StagedColumn) -> tuple[int, int]:
    if column.kind is Kind.INTEGER:
        bits = column.type.value_type.bit_width if pa.types.is_dictionary(column.type) else column.type.bit_width
        signed = pa.types.is_signed_integer(column.type)
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    largest = 10 ** int(column.type.precision) - 1
    return -largest, largest


def _unscaled_literal(column: StagedColumn, unscaled: int) -> str:
    if column.kind is Kind.WIDE:
        return f"from_hex('{wide_key(unscaled).hex()}')"
    if column.kind is Kind.INTEGER:
        return f"({unscaled})"
    digits = f"{abs(unscaled):0{column.scale + 1}d}"
    point = len(digits) - column.scale
    text = f"{'-' if unscaled < 0 else ''}{digits[:point]}.{digits[point:]}"
    return f"CAST('{text}' AS DECIMAL({column.type.precision},{column.scale}))"


def _bound(column: StagedColumn, value: object) -> str:
    # The vocabulary is Great Expectations', which bounds numbers, dates and timestamps only.
    if column.kind not in BOUNDED:
        raise ValueError(f"column '{column.name}' ({column.type}) holds neither numbers nor dates, so it has no bounds")
    return _spelled(column, value)


def _spelled(column: StagedColumn, value: object) -> str:
    if column.kind is Kind.FLOAT:
        return f"CAST('{float(number(value))!r}' AS DOUBLE)"
    if column.kind is Kind.TEXT:
        if not isinstance(value, str):
            raise ValueError(f"column '{column.name}' is text and '{value}' is not")
        return quoted(value)
    moment = {Kind.DATE: _date, Kind.TIME: _time, Kind.TIMESTAMP: _timestamp}.get(column.kind)
    if moment is None:
        raise ValueError(f"column '{column.name}' ({column.type}) cannot be compared with values")
    return moment(column, value)


def _boolean(value: object) -> str:
    spelled = str(value).lower()
    if spelled not in ("true", "false"):
        raise ValueError(f"'{value}' is neither true nor false")
    return spelled.upper()


def _date(column: StagedColumn, value: object) -> str:
    try:
        day = value if type(value) is date else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"column '{column.name}' holds dates and '{value}' is none (2024-12-31)") from None
    return f"DATE '{day.isoformat()}'"


def _time(column: StagedColumn, value: object) -> str:
    try:
        moment = value if isinstance(value, time) else time.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"column '{column.name}' holds times and '{value}' is none (23:59:59)") from None
    return f"TIME '{moment.isoformat()}'"


def _timestamp(column: StagedColumn, value: object) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"column '{column.name}' holds timestamps and '{value}' is none") from None
    zone = column.type.tz
    if moment.tzinfo is None and zone:
        moment = moment.replace(tzinfo=_zone(zone))
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    spelled = moment.replace(tzinfo=None).isoformat(sep=" ")
    return f"TIMESTAMPTZ '{spelled}+00'" if zone else f"TIMESTAMP '{spelled}'"


def _zone(name: str) -> tzinfo:
    offset = name.startswith(("+", "-"))
    return (datetime.strptime(name, "%z").tzinfo or UTC) if offset else ZoneInfo(name)
