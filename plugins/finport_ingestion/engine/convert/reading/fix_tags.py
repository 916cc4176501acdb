"""The tags of many fields at once: their first four bytes tell most, by two tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

PADDING = bytes(32)
"""What has to stand behind the bytes that are looked at."""

_EQUALS = ord("=")
_DIGITS = range(ord("0"), ord("9") + 1)
_ZERO = np.uint8(ord("0"))
_MOST_DIGITS = 6
_ONE, _ENDS, _LONG, _NONE = 100, 10, 11, -1


def _first_two() -> npt.NDArray[np.int16]:
    """Of two bytes: 0 to 99 for two digits, 100 and more for a digit and `=`, -1 for others."""
    table = np.full(1 << 16, _NONE, np.int16)
    for first in _DIGITS:
        table[first | _EQUALS << 8] = _ONE + first - _DIGITS[0]
        for second in _DIGITS:
            table[first | second << 8] = (first - _DIGITS[0]) * 10 + second - _DIGITS[0]
    return table


def _next_two() -> npt.NDArray[np.int16]:
    """Of the two bytes behind two digits: the digit before `=`, 10 for `=`, 11 for two digits, -1 for others."""
    table = np.full(1 << 16, _NONE, np.int16)
    for first in _DIGITS:
        table[[first | second << 8 for second in _DIGITS]] = _LONG
        table[first | _EQUALS << 8] = first - _DIGITS[0]
    table[[_EQUALS | second << 8 for second in range(256)]] = _ENDS
    return table


_FIRST_TWO, _NEXT_TWO = _first_two(), _next_two()


def tags_at(padded: Bytes, begins: Ints) -> tuple[Ints, Ints]:
    """The tag that stands at each place, -1 where there is none, and where its value begins."""
    words = np.ndarray((len(padded) - 3,), "<u4", padded, strides=(1,))[begins]
    low, high = _FIRST_TWO[words & 0xFFFF], _NEXT_TWO[words >> 16]
    one = low >= _ONE
    two = high == _ENDS
    three = ~one & (high >= 0) & (high < _ENDS)
    tags = np.where(one, low - _ONE, np.where(two, low, low * 10 + high))
    widths = np.where(one, 1, np.where(two, 2, 3))
    good = one | ((low >= 0) & (two | three))
    tags[~good] = -1
    values = begins + widths + 1
    tags = tags.astype(np.int64)
    longer = np.flatnonzero(~good & (low >= 0) & (high == _LONG))
    if len(longer):
        at = begins[longer]
        numbers, digits = numbers_at(padded, at, _MOST_DIGITS)
        ends = padded[at + digits] == _EQUALS
        tags[longer] = np.where(ends, numbers, -1)
        values[longer] = at + digits + 1
    return tags, values


def numbers_at(padded: Bytes, begins: Ints, most: int) -> tuple[Ints, Ints]:
    """The number that the digits at each place spell, and how many they are, up to `most`."""
    value = np.zeros(len(begins), np.int64)
    width = np.zeros(len(begins), np.int64)
    going = np.ones(len(begins), np.bool_)
    for place in range(most):
        digit = padded[begins + place] - _ZERO
        going &= digit < 10
        if not going.any():
            break
        value = np.where(going, value * 10 + digit, value)
        width += going
    return value, width
