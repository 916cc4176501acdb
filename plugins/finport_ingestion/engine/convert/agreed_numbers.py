"""Numbers of a column that a contract agrees on: plain ones, and marked ones where all of the column's say one thing.

`1,234.50`, `(5.00)`, `$12.50` and `12.5 %` are understood as inference understands them (decorated.py), and never in
two ways within a column: where its values do not tell what a mark means, plain numbers fit and all others are misfits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import numerals
from finport_ingestion.engine.convert.decorated import (
    Convention,
    Decor,
    fits,
    marks_of,
    of_plain_numbers,
    plain_numbers,
)
from finport_ingestion.engine.convert.digits import Numbers, read_numbers
from finport_ingestion.engine.convert.evidence import Evidence
from finport_ingestion.engine.convert.infer import Commas
from finport_ingestion.engine.convert.numerals import NumberStyle

_POINTS_AMONG_COMMAS = (
    "has points that are taken for decimal points, and another column has decimal commas: "
    "state decimalComma if they are of thousands"
)
PLAIN = "number:plain"
"""The way of a column whose marks cannot be told."""
MARKED = "marked"
"""What `Evidence.fits` counts numbers with marks under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersSeen:
    """What the numbers among some values need of their type."""

    digits: int = 0  # most before the point of a plain one
    scale: int = 0  # most behind it
    decor: Decor = field(default_factory=Decor)  # of all that may be numbers
    marked: int = 0  # those with marks


@dataclass(frozen=True, slots=True)
class Marking:
    """How the numbers of a column are marked, and what a person should know of that."""

    way: str | None  # None: all of them are plain
    label: str | None = None
    doubt: str | None = None  # why marks are not understood; continues "column 'x' "


def with_mark(values: pa.StringArray, mark: str | None) -> pa.StringArray:
    """`values`, of which those without the agreed mark are no numbers."""
    return values if mark is None else pc.if_else(pc.match_substring(values, mark), values, numerals.NO_NUMBER)


def look_numbers(
    values: pa.StringArray,
    numbers: pa.StringArray,
    read: Numbers | None,
    *,
    style: NumberStyle,
    zeros_count: bool,
    marks: bool,
) -> NumbersSeen:
    """Look at texts of which some may be numbers.

    Args:
        numbers: The same in points.
        read: What they are worth, where all of them are plain.
        zeros_count: Whether a zero at the end of a decimal needs room.
        marks: Whether numbers may carry any.
    """
    digits, scale = _size(numbers, read, zeros_count=zeros_count)
    if not marks:
        return NumbersSeen(digits=digits, scale=scale)
    if read is not None:
        decor = _of_plain(values, (digits, scale), (read.digits, read.scale), style)
        return NumbersSeen(digits=digits, scale=scale, decor=decor)
    plain = pc.match_substring_regex(numbers, numerals.DECIMAL)
    decor, rest = Decor(), values.filter(pc.invert(plain))
    if len(rest) < len(values) - values.null_count:
        decor = _of_plain(values.filter(plain), (digits, scale), numerals.largest(numbers.filter(plain)), style)
    marked = _marked(rest, style)
    decor += _decor(marked, style, zeros_count=zeros_count)
    return NumbersSeen(digits=digits, scale=scale, decor=decor, marked=len(marked))


def marking(evidence: Evidence, *, commas: Commas, style: NumberStyle, mark: str | None, frozen: bool) -> Marking:
    """What the marks of all values mean together.

    Args:
        style: As the Format states it.
        mark: That the contract states.
        frozen: Whether only what the documents state is taken.
    """
    decor = evidence.agreed_decor
    label = Decor(frozenset({mark})).label if mark else None
    if not evidence.fits.get(MARKED):
        doubtful = commas is Commas.DECIMALS and decor.may_be_thousands
        return Marking(None, label, doubt=_POINTS_AMONG_COMMAS if doubtful else None)
    convention = decor.clear or (Convention.POINT if commas is Commas.THOUSANDS and decor.is_number else None)
    if decor.fault or convention is None:
        return Marking(PLAIN, label, doubt=f"{decor.fault or _unclear(decor)}; only plain numbers are taken")
    if frozen and unstated(convention, decor.label, style=style, mark=mark):
        return Marking(PLAIN, label)
    return Marking(convention.value, decor.label)


def unstated(way: str | None, label: str | None, *, style: NumberStyle, mark: str | None) -> str | None:
    """What is understood of a column's numbers and stands in no document; continues "column 'x' "."""
    if way not in frozenset(Convention):
        return None
    if label and mark is None:
        return f"is delivered as {label}, which the contract does not state"
    if way == Convention.COMMA and style is NumberStyle.POINT:
        return "is delivered with numbers like 1.234,50 or 1 234,50, which the Format does not state (decimalComma)"
    return None


def needed(evidence: Evidence, way: str | None) -> tuple[int, int]:
    """The most digits before and behind the point of the numbers that fit the way."""
    if way in frozenset(Convention):
        return evidence.agreed_decor.size(Convention(way))
    return evidence.agreed_digits, evidence.agreed_scale


def reads_plain(way: str | None, style: NumberStyle) -> bool:
    """Whether a plain number is in `way` what it is as the Format writes numbers."""
    return way != Convention.COMMA or style is NumberStyle.COMMA


def still_holds(way: str | None, evidence: Evidence) -> bool:
    """Whether numbers written in `way` are as they were seen so far."""
    if way == PLAIN:
        return True
    if way in frozenset(Convention):
        decor = evidence.agreed_decor
        return (decor.point if way == Convention.POINT else decor.comma) is not None
    return not evidence.fits.get(MARKED)


def _unclear(decor: Decor) -> str:
    if decor.is_number:
        return "has marks that may be of thousands or of decimals (decimalComma would say it)"
    return "has numbers with decimal points and with decimal commas"


def _of_plain(values: pa.StringArray, size: tuple[int, int], written: tuple[int, int], style: NumberStyle) -> Decor:
    """Of plain numbers: what they need, and what they would be with the comma as decimal mark."""
    plain = of_plain_numbers(values, *written)
    return Decor(plain.marks, size, plain.comma) if style is NumberStyle.POINT else Decor(plain.marks, None, size)


def _marked(values: pa.StringArray, style: NumberStyle) -> pa.StringArray:
    """Those that are numbers with marks. A Format that states its decimal comma leaves no other way."""
    found = fits(values, Convention.COMMA)
    return values.filter(found if style is NumberStyle.COMMA else pc.or_(found, fits(values, Convention.POINT)))


def _decor(marked: pa.StringArray, style: NumberStyle, *, zeros_count: bool) -> Decor:
    if not len(marked):
        return Decor()
    point, comma = (_size_by(marked, convention, zeros_count=zeros_count) for convention in Convention)
    return Decor(marks_of(marked), point if style is NumberStyle.POINT else None, comma)


def _size_by(values: pa.StringArray, convention: Convention, *, zeros_count: bool) -> tuple[int, int] | None:
    if not pc.all(fits(values, convention)).as_py():
        return None
    numbers = plain_numbers(values, convention)
    return _size(numbers, read_numbers(numbers), zeros_count=zeros_count)


def _size(numbers: pa.StringArray, read: Numbers | None, *, zeros_count: bool) -> tuple[int, int]:
    """The most digits before and behind the point; zeros at the end of a decimal need no room."""
    if read is not None and (zeros_count or read.scale == 0):
        return read.digits, read.scale
    if read is not None and read.unscaled is not None:
        scale, left = read.scale, read.unscaled
        while scale and not (left % 10).any():
            scale, left = scale - 1, left // 10
        return read.digits, scale
    numbers = numbers.filter(pc.match_substring_regex(numbers, numerals.DECIMAL))
    if not zeros_count:
        numbers = pc.replace_substring_regex(numbers, r"(\.[0-9]*?)0+$", r"\1")
    return numerals.largest(numbers)
