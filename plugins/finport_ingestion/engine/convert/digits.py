"""Columns of number texts as machine integers: proved and parsed together, a byte at a time for the whole column.

Arrow lays the texts of a column end to end. What a number may be written like (numerals.DECIMAL) can be proved on those
bytes with a few passes of vectorised comparisons, which cost a tenth of a regular expression, and the digits of values
of up to 18 of them are parsed as int64, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_DIGITS = 18
"""Of an unscaled value that int64 surely holds."""
_POINT, _MINUS, _ZERO = 46, 45, 48
_POWERS = 10 ** np.arange(MAX_DIGITS + 1, dtype=np.int64)

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


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
    content, starts, ends = laid
    points = np.flatnonzero(content == _POINT)
    minus = content[starts] == _MINUS
    signs = int(np.count_nonzero(minus))
    digits = int(np.count_nonzero((content - np.uint8(_ZERO)) < 10))
    # Every byte is a digit, a point, or a minus at the beginning.
    if digits + len(points) + signs != len(content):
        return None
    begins = starts + minus if signs else starts
    fractions = _fractions(points, starts, ends)
    if fractions is None:
        return None
    whole = ends - begins - fractions - (fractions > 0) if len(points) else ends - begins
    if (whole + fractions <= 0).any() or _zero_leads(content, begins, whole):
        return None
    before, scale = int(whole.max()), int(fractions.max()) if len(points) else 0
    unscaled = None
    if before + scale <= MAX_DIGITS:
        unscaled = _parse(content, starts, ends, fractions, values)
        if scale:
            unscaled = _scaled(unscaled, fractions, scale, values)
    return Numbers(digits=before, scale=scale, signed=signs > 0, unscaled=unscaled)


def total_length(numbers: npt.NDArray[np.int64]) -> int | None:
    """How many characters int64 values have when they are written out; None beyond 18 digits."""
    if not len(numbers):
        return 0
    smallest, largest = int(numbers.min()), int(numbers.max())
    if smallest <= -(10**MAX_DIGITS) or largest >= 10**MAX_DIGITS:
        return None
    size = np.abs(numbers) if smallest < 0 else numbers
    length = len(numbers) + (int(np.count_nonzero(numbers < 0)) if smallest < 0 else 0)
    top = max(largest, -smallest)
    return length + sum(int(np.count_nonzero(size >= 10**power)) for power in range(1, len(str(top))))


def _laid_out(values: pa.StringArray) -> tuple[Bytes, Places, Places] | None:
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


def _fractions(points: Places, starts: Places, ends: Places) -> Places | None:
    """How many digits stand behind the point of each value; None where one has two points or ends with one."""
    if not len(points):
        return np.zeros(len(starts), dtype=np.int64)
    if len(points) == len(starts) and bool(((points >= starts) & (points < ends)).all()):
        behind = ends - points - 1
        return None if (behind == 0).any() else behind
    owner = np.searchsorted(ends, points, side="right")
    if (np.diff(owner) == 0).any():
        return None
    fractions = np.zeros(len(starts), dtype=np.int64)
    fractions[owner] = ends[owner] - points - 1
    return None if (fractions[owner] == 0).any() else fractions


def _zero_leads(content: Bytes, begins: Places, whole: Places) -> bool:
    first = content[np.minimum(begins, len(content) - 1)]
    return bool(((first == _ZERO) & (whole > 1)).any())


def _parse(
    content: Bytes, starts: Places, ends: Places, fractions: Places, values: pa.StringArray
) -> npt.NDArray[np.int64]:
    """The digits of each value as an integer, points left out; 0 for null."""
    count = len(starts)
    offsets = np.empty(count + 1, dtype=np.int32)
    offsets[0], offsets[1:] = 0, ends
    if fractions.any():
        content = content[content != _POINT]
        offsets[1:] -= np.cumsum(fractions > 0)
    texts = pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(content)])
    # Arrow's parser is fast; that it takes leading zeros is what makes 0.05 readable as 005.
    parsed = np.asarray(texts.cast(pa.int64()))
    if count == len(values):
        return parsed
    whole = np.zeros(len(values), dtype=np.int64)
    whole[np.asarray(values.is_valid())] = parsed
    return whole


def _scaled(
    unscaled: npt.NDArray[np.int64], fractions: Places, scale: int, values: pa.StringArray
) -> npt.NDArray[np.int64]:
    if bool((fractions == scale).all()):
        return unscaled
    factors = _POWERS[scale - fractions]
    if len(fractions) == len(unscaled):
        return unscaled * factors
    scaled = unscaled.copy()
    scaled[np.asarray(values.is_valid())] *= factors
    return scaled


def _array(kind: pa.DataType, data: pa.Buffer, values: pa.StringArray) -> pa.Array:
    if values.null_count == 0:
        return pa.Array.from_buffers(kind, len(values), [None, data], null_count=0)
    valid = values.is_valid()
    return pa.Array.from_buffers(kind, len(values), [valid.buffers()[1], data], null_count=values.null_count)
