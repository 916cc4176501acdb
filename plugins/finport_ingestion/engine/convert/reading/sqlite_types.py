"""Which type a column of SQLite has: what it is declared as, as far as every value of it agrees.

SQLite keeps a value of any class in any column. A column whose values are of several classes becomes text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import numerals
from finport_ingestion.engine.convert.infer import decimal_type
from finport_ingestion.engine.convert.moments import TIME, cast_moments
from finport_ingestion.engine.logical import LogicalType, to_arrow

Value = int | float | str | bytes | None
_MOST_EXACT = 1 << 53  # integers up to here are doubles too
_MOST_DIGITS = 38
_INT64 = pa.int64()


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """How many values of a column are of which class, and between which its integers lie."""

    integer: int = 0
    real: int = 0
    text: int = 0
    blob: int = 0
    least: int = 0
    most: int = 0

    @staticmethod
    def only(kind: str | None) -> Classes:
        """Of a column whose values are all of one class, or all null."""
        counts = {} if kind is None else {kind: 1}
        return Classes(**counts)

    @property
    def kinds(self) -> frozenset[str]:
        counts = {"integer": self.integer, "real": self.real, "text": self.text, "blob": self.blob}
        return frozenset(kind for kind, count in counts.items() if count)


@dataclass(frozen=True, slots=True)
class Choice:
    """The type of a column, and what a person should know about it, which continues "column 'x' "."""

    type: pa.DataType
    warning: str = ""


def choose(declared: LogicalType, classes: Classes, values: Callable[[], Iterable[Sequence[Value]]]) -> Choice:
    """The type of a column.

    Args:
        values: Gives all values that are not null, piece by piece; called only where the classes do not decide.
    """
    kinds = classes.kinds
    if not kinds:
        return Choice(_empty(declared))
    if declared.kind == "decimal" and kinds <= {"integer", "real"}:
        return _decimal(declared, values)
    if kinds == {"integer"}:
        zero_or_one = declared.kind == "boolean" and classes.least >= 0 and classes.most <= 1
        return Choice(pa.bool_() if zero_or_one else _INT64)
    if kinds <= {"integer", "real"}:
        if max(-classes.least, classes.most) <= _MOST_EXACT:
            return Choice(pa.float64())
        return Choice(pa.string(), "has integers that no float holds beside floats: it is kept as text")
    if kinds == {"text"}:
        return Choice(_moment(declared, values))
    if kinds == {"blob"}:
        return Choice(pa.binary())
    counts = ((classes.integer, "integers"), (classes.real, "floats"), (classes.text, "texts"), (classes.blob, "blobs"))
    told = ", ".join(f"{count} {name}" for count, name in counts if count)
    return Choice(pa.string(), f"mixes {told}: it is kept as text")


def _empty(declared: LogicalType) -> pa.DataType:
    if declared.kind != "decimal":
        return to_arrow(declared)
    found = decimal_type(declared.precision - declared.scale, declared.scale)
    return to_arrow(found) if found else pa.string()


def _decimal(declared: LogicalType, values: Callable[[], Iterable[Sequence[Value]]]) -> Choice:
    """The decimal that holds the shortest spelling of every value; a float where a double means no decimal."""
    # More digits than are ever stored are declared by habit: those that the values need count.
    digits, scale = declared.precision - declared.scale if declared.precision <= _MOST_DIGITS else 0, declared.scale
    for piece in values():
        texts = decimal_texts(piece)
        if not numerals.all_match(texts, numerals.DECIMAL):
            return Choice(pa.float64(), "is declared as a decimal, and has values that are none: it is a float")
        before, behind = numerals.largest(texts)
        if declared.precision and behind > declared.scale:
            return Choice(
                pa.float64(), f"has values of more than the declared {declared.scale} decimals: it is a float"
            )
        digits, scale = max(digits, before), max(scale, behind)
    found = decimal_type(digits, scale)
    if found is None or found.precision > _MOST_DIGITS:
        return Choice(pa.float64(), f"has numbers of more than {_MOST_DIGITS} digits: it is a float")
    return Choice(to_arrow(found))


def decimal_texts(values: Iterable[Value]) -> pa.StringArray:
    """The numbers that SQLite shows for what it stores, a double by its shortest spelling, without exponents."""
    given = list(values)
    texts = _doubles(given)
    if texts is not None:
        return texts
    texts = pa.array([None if value is None else repr(value) for value in given], pa.string())
    if pc.any(pc.match_substring(texts, "e"), min_count=0).as_py():
        texts = pa.array([_written_out(text) for text in texts.to_pylist()], pa.string())
    return pc.replace_substring_regex(texts, r"\.0$", "")


def _doubles(values: list[Value]) -> pa.StringArray | None:
    """By Arrow, whose shortest spelling has the same digits; None for integers that no double holds, and exponents."""
    try:
        texts = pa.array(values, pa.float64()).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    return None if pc.any(pc.match_substring(texts, "e"), min_count=0).as_py() else texts


def _written_out(text: str | None) -> str | None:
    return format(Decimal(text), "f") if text and "e" in text else text


def _moment(declared: LogicalType, values: Callable[[], Iterable[Sequence[Value]]]) -> pa.DataType:
    """The moments that a column is declared to hold, where every text is one; otherwise text."""
    possible: list[pa.DataType] = {
        "date": [pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")],
        "timestamp": [pa.timestamp("us"), pa.timestamp("us", "UTC")],
        "time": [pa.time64("us")],
    }.get(declared.kind, [])
    for piece in values() if possible else ():
        texts = pa.array([str(value) for value in piece], pa.string())
        possible = [kind for kind in possible if moments(texts, kind) is not None]
        if not possible:
            break
    return possible[0] if possible else pa.string()


def moments(texts: pa.StringArray, kind: pa.DataType) -> pa.Array | None:
    """`texts` as dates, times or timestamps; None where one of them is none."""
    if pa.types.is_time(kind):
        found, wrong = cast_moments(texts, TIME)
        return found if wrong is None else None
    if pc.any(pc.starts_with(texts, "0000"), min_count=0).as_py():
        return None  # Arrow takes the year 0, which Python and databases do not have
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None
