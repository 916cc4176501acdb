"""Numbers and moments of FIX as plain decimals and ISO 8601, by column: the usual spellings in a few passes over bytes.

What is spelled unusually (`.5`, `00023.5`, nanoseconds) is looked at one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.reading.fix_tags import Bytes, Flags, Ints

_POINT, _MINUS, _ZERO = ord("."), ord("-"), ord("0")
_FLOAT = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?")
_MOST_DIGITS = 64
_DATE_SIZE, _SECONDS_SIZE = 8, 17
_MICROSECONDS = 6
_MOST_FRACTION = 9


def look_at_numbers(padded: Bytes, begins: Ints, ends: Ints) -> tuple[Flags, int]:
    """Which values are not spelled as plain decimals: `-`, digits without leading zeros, a point with digits behind.

    Returns:
        Also the most digits behind a point.
    """
    sizes = ends - begins
    first = (padded[begins] == _MINUS).astype(np.int64)
    points = np.zeros(len(begins), np.int64)
    at = ends - 1
    wrong = (sizes <= first) | (sizes > _MOST_DIGITS)
    for place in range(int(min(sizes.max(initial=0), _MOST_DIGITS))):
        byte = padded[begins + place]
        inside = (place < sizes) & (place >= first)
        point = byte == _POINT
        point &= inside
        points += point
        at = np.where(point, begins + place, at)
        wrong |= inside & ~point & ((byte - np.uint8(_ZERO)) > 9)
    lead, then = padded[begins + first], padded[begins + first + 1]
    zeros = (lead == _ZERO) & (sizes > first + 1) & (then != _POINT)
    last = padded[np.maximum(ends - 1, 0)]
    flags: Flags = wrong | zeros | (points > 1) | (lead == _POINT) | (last == _POINT)
    return flags, int((ends - 1 - at).max(initial=0))


def plain_number(text: str) -> str | None:
    """`text` as a plain decimal; None where it is no number of FIX."""
    found = _FLOAT.fullmatch(text)
    if found is None or not (found[2] or found[3] or re.search("[0-9]", text)):
        return None
    whole = found[2] or "0"
    number = f"{whole}.{found[3]}" if found[3] else whole
    return f"-{number}" if found[1] == "-" else number


@dataclass(frozen=True, slots=True)
class Moments:
    """ISO 8601 texts, and which values none stands for: not dates or times of FIX, or finer than a microsecond."""

    texts: pa.StringArray
    others: Flags


def dates(padded: Bytes, begins: Ints, ends: Ints) -> Moments:
    """`YYYYMMDD` as dates."""
    texts, fits = _spelled(padded, begins, ends, {_DATE_SIZE: 0})
    return _real(texts, fits, pa.date32())


def timestamps(padded: Bytes, begins: Ints, ends: Ints) -> Moments:
    """`YYYYMMDD-HH:MM:SS` with up to nine decimals as timestamps of UTC."""
    fractions = {_SECONDS_SIZE: 0} | {_SECONDS_SIZE + 1 + digits: digits for digits in range(1, _MOST_FRACTION + 1)}
    texts, fits = _spelled(padded, begins, ends, fractions)
    return _real(texts, fits, pa.timestamp("us", "UTC"))


def _spelled(padded: Bytes, begins: Ints, ends: Ints, sizes: dict[int, int]) -> tuple[pa.StringArray, Flags]:
    """The ISO texts of values that have the shape of a date or moment, group by group of one length."""
    if len(begins) and (only := int(ends[0] - begins[0])) in sizes and bool((ends - begins == only).all()):
        written, good = _written(padded, begins, only, sizes[only])
        texts = _fixed(written)
        return (texts if good.all() else texts.take(pa.array(np.arange(len(texts)), mask=~good))), good
    fits = np.zeros(len(begins), np.bool_)
    places = np.full(len(begins), -1, np.int64)
    made: list[pa.StringArray] = []
    done = 0
    found = ends - begins
    for size in np.unique(found).tolist():
        if size not in sizes:
            continue
        rows = np.flatnonzero(found == size)
        written, good = _written(padded, begins[rows], size, sizes[size])
        fits[rows] = good
        places[rows] = done + np.arange(len(rows))
        made.append(_fixed(written))
        done += len(rows)
    if not made:
        return pa.nulls(len(begins), pa.string()), fits
    return pa.concat_arrays(made).take(pa.array(places, mask=~fits)), fits


def _written(padded: Bytes, begins: Ints, size: int, fraction: int) -> tuple[Bytes, Flags]:
    given = padded[begins[:, None] + np.arange(size)]
    return _moment(given, fraction) if size > _DATE_SIZE else _date(given)


def _date(given: Bytes) -> tuple[Bytes, Flags]:
    dash = np.full((len(given), 1), ord("-"), np.uint8)
    return np.hstack([given[:, :4], dash, given[:, 4:6], dash, given[:, 6:8]]), (
        _digits(given) & (given[:, :4] != _ZERO).any(axis=1)
    )


def _moment(given: Bytes, fraction: int) -> tuple[Bytes, Flags]:
    date, good = _date(given[:, :_DATE_SIZE])
    clock = given[:, _DATE_SIZE + 1 : _SECONDS_SIZE]
    good &= (given[:, _DATE_SIZE] == ord("-")) & (clock[:, 2] == ord(":")) & (clock[:, 5] == ord(":"))
    good &= _digits(clock[:, [0, 1, 3, 4, 6, 7]])
    parts = [date, np.full((len(given), 1), ord("T"), np.uint8), clock]
    if fraction:
        digits = given[:, _SECONDS_SIZE + 1 :]
        good &= (given[:, _SECONDS_SIZE] == _POINT) & _digits(digits)
        good &= (digits[:, _MICROSECONDS:] == _ZERO).all(axis=1)
        parts.append(given[:, _SECONDS_SIZE : _SECONDS_SIZE + 1 + min(fraction, _MICROSECONDS)])
    parts.append(np.full((len(given), 1), ord("Z"), np.uint8))
    return np.hstack(parts), good


def _digits(given: Bytes) -> Flags:
    flags: Flags = np.all((given - np.uint8(_ZERO)) < 10, axis=1)
    return flags


def _fixed(written: Bytes) -> pa.StringArray:
    """Texts of one length, a row each; bytes beyond ASCII are in rows that nobody takes."""
    rows, size = written.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * size
    content = np.where(written < 128, written, ord("?")).astype(np.uint8)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(content)))


def _real(texts: pa.StringArray, fits: Flags, kind: pa.DataType) -> Moments:
    """Without 30 February and 25 o'clock."""
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        real = np.array([_is(kind, text) for text in texts.to_pylist()], np.bool_)
        texts = texts.take(pa.array(np.arange(len(texts)), mask=~real))
        fits = fits & real
    return Moments(texts, ~fits)


def _is(kind: pa.DataType, text: str | None) -> bool:
    try:
        pa.scalar(text, pa.string()).cast(kind)
    except pa.ArrowInvalid:
        return False
    return text is not None
