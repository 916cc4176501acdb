"""Numbers as texts: which texts are numbers, how large they are, and what they are worth. Exact, and never a float."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.digits import read_numbers

INTEGER = r"^-?(?:0|[1-9][0-9]*)$"
"""No leading zeros, which identifiers have, and no plus sign."""
DECIMAL = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)$"
"""Integers too. No exponent: `1E2` is an identifier, and Arrow's own parser takes it for a number."""
DIGITS = r"^[0-9]+$"
FLOAT = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_COMMA_NUMBER = r"^-?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)?(?:,[0-9]+)?$"
NO_NUMBER = "?"
_INT64_DIGITS = 18
_FAR = 10**18


class NumberStyle(StrEnum):
    """How a file writes numbers."""

    POINT = "point"  # 1234.50
    COMMA = "comma"  # 1.234,50


def in_points(values: pa.StringArray, style: NumberStyle) -> pa.StringArray:
    """`values` with the point as decimal mark and no marks of thousands; what is no number becomes '?'."""
    if style is NumberStyle.POINT:
        return values
    fits = pc.and_(pc.match_substring_regex(values, _COMMA_NUMBER), pc.match_substring_regex(values, r"[0-9]$"))
    plain = pc.replace_substring(pc.replace_substring(values, ".", ""), ",", ".")
    return pc.if_else(fits, plain, pa.scalar(NO_NUMBER))


def all_match(values: pa.StringArray, pattern: str) -> bool:
    """Whether every value (nulls apart) matches."""
    return bool(pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py())


def parse_integers(values: pa.StringArray) -> pa.Int64Array | None:
    """int64 where every value is an integer as INTEGER writes it and within int64; None otherwise.

    Arrow's parser takes leading zeros and hexadecimal too. Neither can hide: the texts are together as long as the
    numbers are when they are written out, and none of them begins with 0x.
    """
    try:
        numbers = values.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    if not _as_long(values, numbers) and not all_match(values, INTEGER):
        return None
    hexadecimal = pc.or_(pc.starts_with(values, "0x"), pc.starts_with(values, "0X"))
    return None if pc.any(hexadecimal, min_count=0).as_py() else numbers


def _as_long(values: pa.StringArray, numbers: pa.Int64Array) -> bool:
    bare = np.asarray(numbers.drop_null())
    if not len(bare):
        return True
    smallest, largest_number = int(bare.min()), int(bare.max())
    if smallest < -_FAR or largest_number > _FAR:
        return False
    size = np.abs(bare)
    digits = len(bare) + np.count_nonzero(bare < 0)
    top = max(largest_number, -smallest)
    digits += sum(np.count_nonzero(size >= 10**power) for power in range(1, len(str(top))))
    return bool(digits == pc.sum(pc.binary_length(values)).as_py())


def largest(values: pa.StringArray) -> tuple[int, int]:
    """The most digits before and after the point of any value; all of them match DECIMAL."""
    length = pc.binary_length(values)
    point = pc.find_substring(values, ".")
    has_point = pc.greater_equal(point, 0)
    scale = pc.if_else(has_point, pc.subtract(pc.subtract(length, point), 1), 0)
    sign = pc.if_else(pc.starts_with(values, "-"), 1, 0)
    before = pc.subtract(pc.if_else(has_point, point, length), sign)
    return int(pc.max(before).as_py() or 0), int(pc.max(scale).as_py() or 0)


def decimal_pattern(precision: int, scale: int) -> str:
    """What fits decimal(precision, scale) without loss: more decimals only where they are zeros."""
    whole = precision - scale
    before = rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole > 0 else "0"
    after = rf"\.[0-9]{{0,{scale}}}0*" if scale else r"\.0+"
    # RE2 has no look-ahead: "1." is kept out by asking for a digit at the end.
    return rf"^-?(?:{before}(?:{after})?|{after})$"


def cast_integers(values: pa.StringArray) -> tuple[pa.Int64Array, pa.BooleanArray | None]:
    """int64, with null where the text is none, and where that is (None: nowhere)."""
    read = read_numbers(values)
    integers = read.as_integers(values) if read else None
    if integers is not None:
        return integers, None
    numbers = parse_integers(values)
    if numbers is not None:
        return numbers, None
    fits = pc.and_(pc.match_substring_regex(values, INTEGER), in_int64(values))
    return _where(values, fits).cast(pa.int64()), misfits(values, fits)


def cast_decimals(values: pa.StringArray, target: pa.DataType) -> tuple[pa.Array, pa.BooleanArray | None]:
    """Decimals of exactly `target`, with null where that would lose something, and where that is."""
    read = read_numbers(values)
    decimals = read.as_decimals(values, target) if read and pa.types.is_decimal128(target) else None
    if decimals is not None:
        return decimals, None
    pattern = decimal_pattern(target.precision, target.scale)
    fits = pc.and_(pc.match_substring_regex(values, pattern), pc.match_substring_regex(values, "[0-9]$"))
    if bool(pc.all(fits, min_count=0).as_py()):
        return _trimmed(values, target.scale).cast(target), None
    return _trimmed(_where(values, fits), target.scale).cast(target), misfits(values, fits)


def cast_floats(values: pa.StringArray) -> tuple[pa.DoubleArray, pa.BooleanArray | None]:
    """float64, for a contract that asks for it; with null where the text is no number."""
    fits = pc.match_substring_regex(values, FLOAT)
    numbers = _where(values, fits).cast(pa.float64())
    fits = pc.and_(fits, pc.fill_null(pc.is_finite(numbers), pa.scalar(True)))
    return _where(numbers, fits), misfits(values, fits)


def misfits(values: pa.Array, fits: pa.BooleanArray) -> pa.BooleanArray | None:
    """True where a value is there and does not fit; None where all do. Nulls always fit."""
    wrong = pc.and_(values.is_valid(), pc.invert(pc.fill_null(fits, pa.scalar(False))))
    return wrong if bool(pc.any(wrong, min_count=0).as_py()) else None


def in_int64(values: pa.StringArray) -> pa.BooleanArray:
    """Whether integers (as texts) are within int64."""
    digits = pc.utf8_length(pc.utf8_ltrim(values, "-"))
    short = pc.less_equal(digits, _INT64_DIGITS)
    if bool(pc.all(short, min_count=0).as_py()):
        return short
    # Texts of 19 digits sort as their numbers do.
    bare = pc.utf8_ltrim(values, "-")
    limit = pc.if_else(pc.starts_with(values, "-"), "9223372036854775808", "9223372036854775807")
    return pc.or_(short, pc.and_(pc.equal(digits, _INT64_DIGITS + 1), pc.less_equal(bare, limit)))


def _where(values: pa.Array, fits: pa.BooleanArray) -> pa.Array:
    return pc.if_else(fits, values, pa.scalar(None, values.type))


def _trimmed(values: pa.StringArray, scale: int) -> pa.StringArray:
    """Without the zeros beyond `scale`, which Arrow would count as digits."""
    longer = pc.greater(pc.utf8_length(pc.replace_substring_regex(values, r"^[^.]*\.?", "")), scale)
    if not bool(pc.any(longer, min_count=0).as_py()):
        return values
    return pc.if_else(longer, pc.replace_substring_regex(values, rf"^(-?[0-9]*\.[0-9]{{0,{scale}}})0*$", r"\1"), values)
