"""Columns of number texts as machine integers: proved and parsed together, a byte at a time for the whole column.

Arrow lays the texts of a column end to end. What a number may be written like (numerals.DECIMAL) can be proved on those
bytes with a few passes of vectorised comparisons, which cost a tenth of a regular expression, and the digits of values
of up to 18 of them are parsed as int64, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_DIGITS = 18
"""Of an unscaled value that int64 surely holds."""
_POINT, _MINUS, _ZERO, _NINE = 46, 45, 48, 57
_POWERS = 10 ** np.arange(MAX_DIGITS + 1, dtype=np.int64)

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
_Laid: TypeAlias = tuple[Bytes, Places, Places]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Number texts, as proved."""

    digits: int  # the most before the point
    scale: int  # the most behind it
    signed: bool  # one of them has a minus
    unscaled: npt.NDArray[np.int64] | None  # times 10**scale; 0 for null; None where 18 digits do not hold them

    def as_integers(self, values: pa.StringArray) -> pa.Int64Array | None:
        """int64, null where `values`, which these are of, are; None where they are no integers of up to 18 digits."""
        if self.unscaled is None or self.scale:
            return None
        return _array(pa.int64(), pa.py_buffer(self.unscaled), values)

    def as_decimals(self, values: pa.StringArray, target: pa.Decimal128Type) -> pa.Decimal128Array | None:
        """decimal128 of `target`; None where int64 does not hold the unscaled values of that scale."""
        missing = target.scale - self.scale
        if self.unscaled is None or missing < 0 or self.digits + target.scale > min(MAX_DIGITS, target.precision):
            return None
        low = self.unscaled * _POWERS[missing] if missing else self.unscaled
        # Little-endian two's complement: the high half repeats the sign.
        halves = np.empty((len(low), 2), dtype=np.int64)
        halves[:, 0] = low
        np.right_shift(low, 63, out=halves[:, 1])
        return _array(target, pa.py_buffer(halves), values)


def read_numbers(values: pa.StringArray) -> Numbers | None:
    """What `values` are worth, if every one of them (nulls apart) matches numerals.DECIMAL; None otherwise.

    None too where this way does not apply; a regular expression must decide then.
    """
    laid = _laid_out(values)
    if laid is None:
        return None
    return _read_alike(laid, values) or _read_any(laid, values)


def _read_alike(laid: _Laid, values: pa.StringArray) -> Numbers | None:
    """Numbers that all have as many digits behind the point as the first one, as ids and amounts are written.

    With zeros in the places of signs and points nothing but digits may be left. Such a text is the number with one
    digit more than it has, the zero of the point, and that is divided out.
    """
    content, starts, ends = laid
    first = bytes(content[: ends[0]])
    scale = len(first) - 1 - first.rfind(b".") if b"." in first else 0
    lead = content[starts]
    minus = lead == _MINUS
    signed = bool(minus.any())
    begins = starts + minus if signed else starts
    whole = ends - begins - (scale + 1 if scale else 0)
    before = int(whole.max())
    if first.endswith(b".") or whole.min() < (0 if scale else 1) or before + 1 + scale > MAX_DIGITS:
        return None
    if bool((((content[begins] if signed else lead) == _ZERO) & (whole > 1)).any()):
        return None
    digits = _only_digits(content, starts[minus] if signed else starts[:0], ends - (scale + 1) if scale else ends[:0])
    if digits is None:
        return None
    unscaled = _parsed(digits, ends)
    if scale:
        unscaled = unscaled - (unscaled // _POWERS[scale + 1]) * (9 * _POWERS[scale])
    if signed:
        unscaled = np.where(minus, -unscaled, unscaled)
    return Numbers(digits=before, scale=scale, signed=signed, unscaled=_with_nulls(unscaled, values))


def _only_digits(content: Bytes, signs: Places, points: Places) -> Bytes | None:
    """`content` with zeros in these places; None where one is no point, or anything but digits is left."""
    if not bool((content[points] == _POINT).all()):
        return None
    digits = content
    if len(signs) or len(points):
        digits = content.copy()
        digits[signs] = _ZERO
        digits[points] = _ZERO
    return digits if digits.min() >= _ZERO and digits.max() <= _NINE else None


def _read_any(laid: _Laid, values: pa.StringArray) -> Numbers | None:
    content, starts, ends = laid
    points = int(np.count_nonzero(content == _POINT))
    minus = content[starts] == _MINUS
    signs = int(np.count_nonzero(minus))
    digits = int(np.count_nonzero((content - np.uint8(_ZERO)) < 10))
    # Every byte is a digit, a point, or a minus at the beginning.
    if digits + points + signs != len(content):
        return None
    begins = starts + minus if signs else starts
    fractions = _fractions(content, points, starts, ends)
    if fractions is None:
        return None
    whole = ends - begins - fractions.taken
    if not fractions.fill(whole) or _zero_leads(content, begins, whole):
        return None
    before = int(whole.max())
    unscaled = None
    if before + fractions.scale <= MAX_DIGITS:
        unscaled = fractions.scaled(_parse(content, ends, fractions, values), values)
    return Numbers(digits=before, scale=fractions.scale, signed=signs > 0, unscaled=unscaled)


@dataclass(frozen=True, slots=True)
class _Fractions:
    """How many digits stand behind the point of each value: the same of all, as amounts are written, or of each."""

    scale: int  # the most
    each: Places | None = None  # None: all have `scale`

    @property
    def taken(self) -> Places:
        """The bytes of each value that are no digits before the point, nor a minus."""
        if self.each is None:
            return np.array(self.scale + 1 if self.scale else 0, dtype=np.int64)
        return self.each + (self.each > 0).astype(np.int64)

    def fill(self, whole: Places) -> bool:
        """Whether each value has a digit, before the point or behind it."""
        behind = self.scale if self.each is None else self.each
        return not ((whole < 0) | (whole + behind <= 0)).any()

    def points_before(self, count: int) -> Places:
        """How many points stand before the end of each value."""
        if self.each is None:
            return np.arange(1, count + 1)
        return np.cumsum(self.each > 0)

    def scaled(self, unscaled: npt.NDArray[np.int64], values: pa.StringArray) -> npt.NDArray[np.int64]:
        """Values without their points as if all had `scale` digits behind them."""
        if self.each is None or bool((self.each == self.scale).all()):
            return unscaled
        factors = _POWERS[self.scale - self.each]
        if len(self.each) == len(unscaled):
            return unscaled * factors
        scaled = unscaled.copy()
        scaled[np.asarray(values.is_valid())] *= factors
        return scaled


def _laid_out(values: pa.StringArray) -> _Laid | None:
    """The bytes of the texts that are not null, end to end, and where each begins and ends; None for blank ones."""
    if len(values) == values.null_count:
        return None
    stored = np.frombuffer(values.buffers()[1], dtype=np.int32)
    offsets = stored[values.offset : values.offset + len(values) + 1].astype(np.int64)
    buffer = values.buffers()[2]
    if buffer is None:
        return None
    content = np.frombuffer(buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    starts, ends = offsets[:-1], offsets[1:]
    filled = ends > starts
    count = int(np.count_nonzero(filled))
    if count == len(values):
        return (content, starts, ends) if values.null_count == 0 else None
    # A null takes no bytes in what Arrow's readers build; a text of no bytes is no number.
    if count != len(values) - values.null_count or (np.asarray(values.is_valid()) != filled).any():
        return None
    return content, starts[filled], ends[filled]


def _fractions(content: Bytes, count: int, starts: Places, ends: Places) -> _Fractions | None:
    """The digits behind the points; None where a value has two points or ends with one."""
    if not count:
        return _Fractions(0)
    if count == len(starts):
        first = np.flatnonzero(content[: ends[0]] == _POINT)
        scale = int(ends[0] - 1 - first[-1]) if len(first) else 0
        places = ends - (scale + 1)
        if scale and bool((places >= starts).all()) and bool((content[places] == _POINT).all()):
            return _Fractions(scale)
    points = np.flatnonzero(content == _POINT)
    owner = np.searchsorted(ends, points, side="right")
    if (np.diff(owner) == 0).any():
        return None
    each = np.zeros(len(starts), dtype=np.int64)
    each[owner] = ends[owner] - points - 1
    return None if (each[owner] == 0).any() else _Fractions(int(each.max()), each)


def _zero_leads(content: Bytes, begins: Places, whole: Places) -> bool:
    first = content[np.minimum(begins, len(content) - 1)]
    return bool(((first == _ZERO) & (whole > 1)).any())


def _parse(content: Bytes, ends: Places, fractions: _Fractions, values: pa.StringArray) -> npt.NDArray[np.int64]:
    """The digits of each value as an integer, points left out; 0 for null."""
    if not fractions.scale:
        return _with_nulls(_parsed(content, ends), values)
    digits = np.frombuffer(content.tobytes().translate(None, b"."), dtype=np.uint8)
    return _with_nulls(_parsed(digits, ends - fractions.points_before(len(ends))), values)


def _parsed(digits: Bytes, ends: Places) -> npt.NDArray[np.int64]:
    """Texts of digits, end to end, as integers; leading zeros count for nothing."""
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    offsets[1:] = ends
    texts = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(digits)])
    return np.asarray(texts.cast(pa.int64()))


def _with_nulls(numbers: npt.NDArray[np.int64], values: pa.StringArray) -> npt.NDArray[np.int64]:
    """The numbers of the texts of `values` that are there, and 0 for the others."""
    if len(numbers) == len(values):
        return numbers
    spread = np.zeros(len(values), dtype=np.int64)
    spread[np.asarray(values.is_valid())] = numbers
    return spread


def _array(kind: pa.DataType, data: pa.Buffer, values: pa.StringArray) -> pa.Array:
    if values.null_count == 0:
        return pa.Array.from_buffers(kind, len(values), [None, data], null_count=0)
    valid = values.is_valid()
    return pa.Array.from_buffers(kind, len(values), [valid.buffers()[1], data], null_count=values.null_count)
