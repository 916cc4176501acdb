"""Dates, times and timestamps as texts: the ways they are written, which texts fit one, and what they mean.

A way of writing has a name: `date:%d/%m/%Y`, `timestamp:%Y-%m-%d`, `timestamp:%Y-%m-%d+zone`, `time`. Those of a
timestamp name the way of its date; hours to fractions of a second follow after a blank or a `T`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEAR, _MONTH, _DAY = r"(?P<y>[0-9]{4})", r"(?P<m>[0-9]{1,2})", r"(?P<d>[0-9]{1,2})"
_NAMED = r"(?P<m>[A-Za-z]{3})"
_DATES = {
    "%Y-%m-%d": r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})",
    "%Y/%m/%d": f"{_YEAR}/{_MONTH}/{_DAY}",
    "%Y.%m.%d": rf"{_YEAR}\.{_MONTH}\.{_DAY}",
    "%Y%m%d": r"(?P<y>19[0-9]{2}|20[0-9]{2}|2100)(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
    "%d/%m/%Y": f"{_DAY}/{_MONTH}/{_YEAR}",
    "%m/%d/%Y": f"{_MONTH}/{_DAY}/{_YEAR}",
    "%d-%m-%Y": f"{_DAY}-{_MONTH}-{_YEAR}",
    "%m-%d-%Y": f"{_MONTH}-{_DAY}-{_YEAR}",
    "%d.%m.%Y": rf"{_DAY}\.{_MONTH}\.{_YEAR}",
    "%d-%b-%Y": f"{_DAY}-{_NAMED}-{_YEAR}",
    "%d %b %Y": f"{_DAY} {_NAMED} {_YEAR}",
    "%b %d, %Y": f"{_NAMED} {_DAY}, {_YEAR}",
}
_CLOCK = r"(?P<clock>(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6}0{0,3})?)?)"
_ZONE = r"(?P<zone>Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
_ISO = "%Y-%m-%d"
_QUICK = {
    f"date:{_ISO}": pa.date32(),
    f"timestamp:{_ISO}": pa.timestamp("us"),
    f"timestamp:{_ISO}+zone": pa.timestamp("us", "UTC"),
}
_COLON = 13  # where the one behind the hours stands
COMPACT = "date:%Y%m%d"
TIME = "time"
DATE_WAYS = tuple(f"date:{date}" for date in _DATES)
TIMESTAMP_WAYS = tuple(f"timestamp:{date}{zone}" for date in _DATES for zone in ("", "+zone"))
WAYS = (*DATE_WAYS, *TIMESTAMP_WAYS, TIME)
_PAIRS = (("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"))


def could_be(text: str, among: Collection[str] | None = None) -> frozenset[str]:
    """The ways of writing whose shape `text` has; a cheap first look at one value.

    Args:
        among: Those that are worth a look; all of them by default.
    """
    return frozenset(way for way, shape in _SHAPES.items() if (among is None or way in among) and shape.fullmatch(text))


def order_of(ways: Iterable[str]) -> dict[str, str]:
    """Of ways that differ only in the order of day and month: `dmy` and `mdy` to the way; empty for others."""
    found = set(ways)
    for day_first, month_first in _PAIRS:
        for kind, zone in (("date", ""), ("timestamp", ""), ("timestamp", "+zone")):
            pair = {"dmy": f"{kind}:{day_first}{zone}", "mdy": f"{kind}:{month_first}{zone}"}
            if found == set(pair.values()):
                return pair
    return {}


def cast_moments(values: pa.StringArray, way: str) -> tuple[pa.Array, pa.BooleanArray | None]:
    """date32, time64 or timestamp (microseconds; UTC where the texts state an offset).

    Returns:
        The moments, with null where a text is none of that way, and where that is (None: nowhere).
    """
    quick = _quickly(values, way)
    if quick is not None:
        return quick, None
    parts = pc.extract_regex(values, pattern=f"^{_pattern(way)}$")
    fits = parts.is_valid()
    texts, valid = _iso_texts(parts, way)
    fits = pc.and_(fits, valid)
    texts = pc.if_else(fits, texts, pa.scalar(None, pa.string()))
    wrong = _wrong(values, fits)
    if way.startswith("date:"):
        return texts.cast(pa.date32()), wrong
    if way == TIME:
        return texts.cast(pa.timestamp("us")).cast(pa.time64("us")), wrong
    return texts.cast(pa.timestamp("us", "UTC" if way.endswith("+zone") else None)), wrong


def _quickly(values: pa.StringArray, way: str) -> pa.Array | None:
    """ISO 8601 by Arrow's own parser, ten times faster than the pattern; None where it cannot vouch."""
    if way not in _QUICK:
        return None
    try:
        found = values.cast(_QUICK[way])
    except pa.ArrowInvalid:
        return None
    # Arrow takes the year 0, which Python and databases do not have, and hours without minutes.
    letters = _letters(values)
    if letters is not None:
        timed = not way.startswith("timestamp:") or (
            letters.shape[1] > _COLON and (letters[:, _COLON] == ord(":")).all()
        )
        return found if timed and not (letters[:, 0] == ord("0")).any() else None
    if pc.any(pc.starts_with(values, "0000"), min_count=0).as_py():
        return None
    if way.startswith("timestamp:"):
        colon = pc.equal(pc.binary_slice(values.cast(pa.binary()), _COLON, _COLON + 1), b":")
        return found if pc.all(colon, min_count=0).as_py() else None
    return found


def _letters(values: pa.StringArray) -> npt.NDArray[np.uint8] | None:
    """The bytes of texts that are all there and of one length: a row for each. None for others."""
    if values.null_count or not len(values):
        return None
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    length = int(offsets[1] - offsets[0])
    if length == 0 or not (np.diff(offsets) == length).all():
        return None
    content = np.frombuffer(values.buffers()[2], dtype=np.uint8)[offsets[0] : offsets[-1]]
    return content.reshape(len(values), length)


def _iso_texts(parts: pa.StructArray, way: str) -> tuple[pa.StringArray, pa.BooleanArray]:
    """The texts as Arrow reads them, and which of them are real dates."""
    if way == TIME:
        clock = _clock(parts)
        return pc.binary_join_element_wise("1970-01-01", clock, "T"), pa.array([True] * len(parts), pa.bool_())
    year, month, day = (pc.struct_field(parts, name) for name in "ymd")
    if "%b" in way:
        at = pc.index_in(pc.utf8_lower(month), value_set=pa.array(_MONTHS))
        month = pc.cast(pc.add(at, 1), pa.string())
    month, day = pc.utf8_lpad(month, 2, "0"), pc.utf8_lpad(day, 2, "0")
    texts = pc.binary_join_element_wise(year, month, day, "-")
    if way.startswith("timestamp:"):
        zone = pc.struct_field(parts, "zone") if way.endswith("+zone") else ""
        texts = pc.binary_join_element_wise(texts, pc.binary_join_element_wise(_clock(parts), zone, ""), "T")
    return texts, _is_date(year, month, day)


def _clock(parts: pa.StructArray) -> pa.StringArray:
    clock = pc.struct_field(parts, "clock")
    # Seven to nine decimals are let through only where the last ones are zeros.
    clock = pc.replace_substring_regex(clock, r"(\.[0-9]{6})0+$", r"\1")
    return pc.replace_substring_regex(clock, r"^([0-9]:)", r"0\1")


def _is_date(year: pa.StringArray, month: pa.StringArray, day: pa.StringArray) -> pa.BooleanArray:
    years, months, days = (_numbers(texts) for texts in (year, month, day))
    leap = pc.and_(_divides(years, 4), pc.or_(pc.invert(_divides(years, 100)), _divides(years, 400)))
    lengths = pa.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    real_month = pc.and_(pc.greater_equal(months, 1), pc.less_equal(months, 12))
    length = pc.take(lengths, pc.if_else(real_month, months, 0))
    length = pc.add(length, pc.if_else(pc.and_(leap, pc.equal(months, 2)), 1, 0))
    real_day = pc.and_(pc.greater_equal(days, 1), pc.less_equal(days, length))
    return pc.fill_null(pc.and_(pc.and_(real_month, real_day), pc.greater_equal(years, 1)), pa.scalar(False))


def _numbers(texts: pa.StringArray) -> pa.Int64Array:
    # A row that does not fit the way at all has empty parts.
    return pc.if_else(pc.match_substring_regex(texts, "^[0-9]+$"), texts, pa.scalar("0")).cast(pa.int64())


def _divides(numbers: pa.Int64Array, by: int) -> pa.BooleanArray:
    return pc.equal(pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by)), 0)


def _wrong(values: pa.Array, fits: pa.BooleanArray) -> pa.BooleanArray | None:
    wrong = pc.and_(values.is_valid(), pc.invert(pc.fill_null(fits, pa.scalar(False))))
    return wrong if bool(pc.any(wrong, min_count=0).as_py()) else None


def _pattern(way: str) -> str:
    if way == TIME:
        return _CLOCK
    kind, _, rest = way.partition(":")
    date, zone, _ = rest.partition("+zone")
    if kind == "date":
        return _DATES[date]
    return f"{_DATES[date]}[T ]{_CLOCK}{' ?' + _ZONE if zone else ''}"


_SHAPES = {way: re.compile(_pattern(way)) for way in WAYS}
