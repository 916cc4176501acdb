"""Which type a column of SQLite has: what it is declared as, as far as every value of it agrees.

SQLite keeps a value of any class in any column. A column whose values are of several classes becomes text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import numerals
from finport_ingestion.engine.convert.infer import decimal_type
from finport_ingestion.engine.logical import to_arrow

Value = int | float | str | bytes | None
_MOST_EXACT = 1 << 53  # integers up to here are doubles too
_DIGITS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
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


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a column is declared as."""

    family: str  # integer, decimal, real, boolean, date, time, timestamp, binary or text
    precision: int = 0
    scale: int = 0


_FAMILIES = (
    ("BOOL", "boolean"),
    ("DATETIME", "timestamp"),
    ("TIMESTAMP", "timestamp"),
    ("DATE", "date"),
    ("INTERVAL", "text"),
    ("POINT", "text"),
    ("INT", "integer"),
    ("TIME", "time"),
    ("NUMERIC", "decimal"),
    ("DECIMAL", "decimal"),
    ("NUMBER", "decimal"),
    ("MONEY", "decimal"),
    ("REAL", "real"),
    ("FLOA", "real"),
    ("DOUB", "real"),
    ("BLOB", "binary"),
    ("BINARY", "binary"),
    ("BYTEA", "binary"),
)


def declaration(text: str) -> Declaration:
    """The family of types that `text`, such as `NUMERIC(10,2)`, is of; text where it is none of them."""
    upper = text.upper()
    family = next((family for word, family in _FAMILIES if word in upper), "text")
    digits = _DIGITS.search(upper) if family == "decimal" else None
    return Declaration(family, int(digits[1]), int(digits[2] or 0)) if digits else Declaration(family)


def choose(declared: Declaration, classes: Classes, values: Callable[[], Iterable[Sequence[Value]]]) -> Choice:
    """The type of a column.

    Args:
        values: Gives all values that are not null, piece by piece; called only where the classes do not decide.
    """
    kinds = classes.kinds
    if not kinds:
        return Choice(_empty(declared))
    if declared.family == "decimal" and kinds <= {"integer", "real"}:
        return _decimal(declared, values)
    if kinds == {"integer"}:
        zero_or_one = declared.family == "boolean" and classes.least >= 0 and classes.most <= 1
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


def _empty(declared: Declaration) -> pa.DataType:
    simple = {
        "integer": _INT64,
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time64("us"),
        "timestamp": pa.timestamp("us"),
        "binary": pa.binary(),
    }
    if declared.family == "decimal":
        found = decimal_type(max(declared.precision - declared.scale, 0), declared.scale)
        return to_arrow(found) if found else pa.string()
    return simple.get(declared.family, pa.string())


def _decimal(declared: Declaration, values: Callable[[], Iterable[Sequence[Value]]]) -> Choice:
    """The decimal that holds the shortest spelling of every value; a float where a double means no decimal."""
    digits, scale = max(declared.precision - declared.scale, 0), declared.scale
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
    texts = pa.array([None if value is None else repr(value) for value in values], pa.string())
    if pc.any(pc.match_substring(texts, "e"), min_count=0).as_py():
        texts = pa.array([_written_out(text) for text in texts.to_pylist()], pa.string())
    return pc.replace_substring_regex(texts, r"\.0$", "")


def _written_out(text: str | None) -> str | None:
    return format(Decimal(text), "f") if text and "e" in text else text


def _moment(declared: Declaration, values: Callable[[], Iterable[Sequence[Value]]]) -> pa.DataType:
    """The moments that a column is declared to hold, where every text is one; otherwise text."""
    possible: list[pa.DataType] = {
        "date": [pa.date32(), pa.timestamp("us"), pa.timestamp("us", "UTC")],
        "timestamp": [pa.timestamp("us"), pa.timestamp("us", "UTC")],
        "time": [pa.time64("us")],
    }.get(declared.family, [])
    for piece in values() if possible else ():
        texts = pa.array([str(value) for value in piece], pa.string())
        possible = [kind for kind in possible if _casts(texts, kind)]
        if not possible:
            break
    return possible[0] if possible else pa.string()


def _casts(texts: pa.StringArray, kind: pa.DataType) -> bool:
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
