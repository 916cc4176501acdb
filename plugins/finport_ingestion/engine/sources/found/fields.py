"""What is seen of the fields of a slice, and the one type that holds all values of each.

Values of several kinds in one field are not coerced: such a field is JSON, in which each value keeps its kind. Only
numbers meet, and only where none of them changes: whole ones and decimals in a decimal, whole ones and floats in a
float.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.logical import LogicalType, to_arrow
from finport_ingestion.engine.sources.found.cells import Cell, JsonText, json_text

_INT64 = range(-(1 << 63), 1 << 63)
_EXACT_IN_FLOAT = 1 << 53
_PRECISIONS = (18, 38, 76)


@dataclass(slots=True)
class FieldSeen:
    """The values of one field so far."""

    kinds: set[str] = field(default_factory=set)
    integer_digits: int = 0
    scale: int = 0
    largest: int = 0  # of the whole numbers, without its sign

    def see(self, value: Cell) -> None:
        """Take a value into account; None says nothing."""
        if value is None:
            return
        kind = _kind(value)
        self.kinds.add(kind)
        if isinstance(value, int) and kind != "boolean":
            self.largest = max(self.largest, abs(value))
            self.integer_digits = max(self.integer_digits, len(str(self.largest)))
        elif isinstance(value, Decimal) and value.is_finite():
            self.integer_digits = max(self.integer_digits, value.adjusted() + 1)
            self.scale = max(self.scale, -int(value.as_tuple().exponent))

    def type(self) -> LogicalType:
        """The type that holds them all; text where there was none."""
        kinds = self.kinds
        if len(kinds) == 1 and not kinds & {"decimal", "special"}:
            return _UTC if kinds == {"timestamp"} else LogicalType(next(iter(kinds)))
        if kinds and kinds <= {"integer", "decimal"}:
            return self._decimal()
        if kinds == {"integer", "float"} and self.largest <= _EXACT_IN_FLOAT:
            return LogicalType("float")
        if kinds <= {"integer", "decimal", "special"}:
            return LogicalType("text")  # NaN is no decimal, and nothing at all says nothing
        return LogicalType("json")

    def _decimal(self) -> LogicalType:
        needed = max(1, self.integer_digits + self.scale)
        fitting = next((precision for precision in _PRECISIONS if needed <= precision), None)
        return LogicalType("decimal", fitting, self.scale) if fitting else LogicalType("text")


_UTC = LogicalType("timestamp", time_zone="UTC")


class FieldsSeen:
    """The fields of a slice, in the order in which they came."""

    def __init__(self, *, what: str, most: int, first: Iterable[str] = ()) -> None:
        """`first` are the names of columns that are there in any case."""
        self._what = what
        self._most = most
        self._fields: dict[str, FieldSeen] = {name: FieldSeen() for name in first}

    def see(self, record: Mapping[str, Cell]) -> None:
        """Take a record into account.

        Raises:
            FormatError: There are more fields than a table should have.
        """
        for name, value in record.items():
            seen = self._fields.get(name)
            if seen is None:
                seen = self._new(name)
            seen.see(value)

    def types(self) -> dict[str, LogicalType]:
        """The type of each field."""
        return {name: seen.type() for name, seen in self._fields.items()}

    def _new(self, name: str) -> FieldSeen:
        if len(self._fields) >= self._most:
            raise FormatError(
                f"{self._what} has more than {self._most} different fields.",
                hint="the names of its fields seem to be values: leave them out, or raise 'maxFields'",
            )
        return self._fields.setdefault(name, FieldSeen())


def batches(
    records: Iterable[Mapping[str, Cell]], types: Mapping[str, LogicalType], *, rows: int
) -> Iterator[pa.RecordBatch]:
    """The records as batches of at most `rows`; at least one, maybe empty."""
    schema = pa.schema([(name, to_arrow(kind)) for name, kind in types.items()])
    writers = {name: _writer(kind) for name, kind in types.items()}
    left = iter(records)
    taken = list(islice(left, rows))
    while True:
        columns = [
            pa.array([write(record.get(name)) for record in taken], schema.field(name).type)
            for name, write in writers.items()
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        taken = list(islice(left, rows))
        if not taken:
            return


def _kind(value: Cell) -> str:
    """The logical type of one value; `special` for decimals that are no numbers."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if value in _INT64 else "decimal"
    if isinstance(value, Decimal):
        return "decimal" if value.is_finite() else "special"
    kinds: dict[type, str] = {JsonText: "json", str: "text", bytes: "binary", float: "float", datetime: "timestamp"}
    return next(kind for known, kind in kinds.items() if isinstance(value, known))


def _writer(kind: LogicalType) -> Callable[[Cell], Any]:
    """How a value is handed to Arrow in a column of this type."""
    written: dict[str, Callable[[Any], Any]] = {"json": json_text, "text": str, "decimal": Decimal, "float": float}
    write = written.get(kind.kind)
    return (lambda value: value) if write is None else (lambda value: None if value is None else write(value))
