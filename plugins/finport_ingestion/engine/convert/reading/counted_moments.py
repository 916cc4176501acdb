"""Dates and times that a statistics file counts from an epoch, by the display format of their column.

SAS counts days or seconds from 1960, SPSS seconds from 1582-10-14, Stata days, milliseconds and periods from 1960. What
a column becomes depends on all of its values: a date that has a time of day is no date, a time of 30 hours is a
duration.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.float64]
Ticks = npt.NDArray[np.int64]

_DAY = 86_400
_SAS_EPOCH = -3_653 * _DAY  # 1960-01-01
_SPSS_EPOCH = -141_428 * _DAY  # 1582-10-14
_STATA_EPOCH_YEAR = 1960
_LARGEST_SECONDS = 8e12  # of either sign: further away, microseconds leave 64 bits
_MOST_PERIODS = 1_000_000  # of either sign: weeks of 19,000 years


class Kind(StrEnum):
    """What a format shows."""

    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    TIME_OF = "time of"  # the time of day of a time, or of a moment
    PERIOD = "period"  # weeks to years


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How the numbers of a column are to be read."""

    kind: Kind
    seconds: float = 1.0  # of one unit
    epoch: int = _SAS_EPOCH  # seconds from 1970 to where the count begins
    zone: str | None = None
    first_days: Callable[[Ticks], npt.NDArray[np.datetime64]] | None = None  # of periods


@dataclass(frozen=True, slots=True)
class Extent:
    """What all values of a column are."""

    whole_days: bool = True
    within_a_day: bool = True
    whole: bool = True
    reachable: bool = True

    def __and__(self, other: Extent) -> Extent:
        return Extent(
            self.whole_days and other.whole_days,
            self.within_a_day and other.within_a_day,
            self.whole and other.whole,
            self.reachable and other.reachable,
        )


def extent(values: Numbers, moment: Moment) -> Extent:
    """What `values`, none of them missing, are when read as `moment`."""
    if len(values) == 0:
        return Extent()
    if not np.isfinite(values).all() or np.abs(values).max() > _LARGEST_SECONDS * 1e3:
        return Extent(reachable=False)
    seconds = values * moment.seconds
    whole = bool((values == np.floor(values)).all())
    return Extent(
        whole_days=whole and bool((np.remainder(seconds, _DAY) == 0).all()),
        within_a_day=bool(((seconds >= 0) & (seconds < _DAY - 5e-7)).all()),
        whole=whole,
        reachable=bool((np.abs(seconds) < _LARGEST_SECONDS).all()) and _has_years(values, moment),
    )


def _has_years(values: Numbers, moment: Moment) -> bool:
    return moment.kind is not Kind.PERIOD or bool((np.abs(values) < _MOST_PERIODS).all())


def type_of(moment: Moment, found: Extent) -> pa.DataType:
    """The type that holds every value of a column; float64, the numbers as they stand, where no moment is meant."""
    if not found.reachable:
        return pa.float64()
    if moment.kind is Kind.PERIOD:
        return pa.date32() if found.whole else pa.float64()
    if moment.kind is Kind.DATE and found.whole_days:
        return pa.date32()
    if moment.kind in (Kind.TIME, Kind.TIME_OF) and found.within_a_day:
        return pa.time64("us")
    return pa.float64() if moment.kind is Kind.TIME else pa.timestamp("us", moment.zone)


def read_moments(values: pa.Array, moment: Moment, target: pa.DataType) -> pa.Array:
    """The moments of type `target` that `values`, numbers with nulls, count."""
    if pa.types.is_float64(target):
        return values.cast(target)
    numbers = values.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if moment.first_days is not None:
        return pa.array(moment.first_days(numbers.astype(np.int64)).astype("datetime64[D]"), target, mask=missing)
    micros = _micros(numbers, moment.seconds)
    if pa.types.is_time(target):
        return pa.array(micros, pa.int64(), mask=missing).cast(target)
    moments = pa.array(micros + moment.epoch * 1_000_000, pa.int64(), mask=missing)
    return moments.cast(pa.timestamp("us")).cast(target)


def _micros(numbers: Numbers, seconds: float) -> Ticks:
    """Microseconds; a count whose milliseconds spell the same double means these milliseconds."""
    if seconds != 1.0:
        return np.rint(numbers * (seconds * 1e6)).astype(np.int64)
    millis = np.rint(numbers * 1e3)
    exact = millis / 1e3 == numbers
    return np.where(exact, millis.astype(np.int64) * 1000, np.rint(numbers * 1e6).astype(np.int64))


_FORMAT = re.compile(r"^\$?([A-Z_][A-Z0-9_]*?)(\d+)?(?:\.\d*)?$")
_ISO = re.compile(r"^(?:E8601|B8601|IS8601|\$?N8601)")
_SAS_DATES = re.compile(
    r"^(?:DATE|DAY|DOWNAME|JULDAY|JULIAN|MONNAME|MONTH|MONYY|NENGO|MINGUO|QTRR?|WEEKDATX?|WEEKDATE|WEEKDAY|WEEK[UVW]"
    r"|WORDDAT[EX]|YEAR|PDJULG|PDJULI|HDATE|HEBDATE|EUR(?:DFDD|DFDE|DFDN|DFMN|DFMY|DFWDX|DFWKX)"
    r"|(?:DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|(?:MMYY|YYMM|YYQR?)[CDNPSZ]?|YYMON"
    r"|NLDATE[A-Z]*|[EB]8601DA|IS8601DA)$"
)
_SAS_TIMESTAMPS = re.compile(
    r"^(?:DATETIME|DATEAMPM|MDYAMPM|DTDATE|DTMONYY|DTWKDATX|DTYEAR|DTYYQC|EURDFDT|NLDATM[A-Z]*"
    r"|[EB]8601D[TNXZ]|IS8601D[TNZ]|[EB]8601LX)$"
)
_SAS_TIMES = re.compile(
    r"^(?:TIME|TIMEAMPM|HHMM|HOUR|MMSS|NLTIME|NLTIMAP|NLTIMMN|[EB]8601T[MXZ]|IS8601T[MZ]|[EB]8601LZ)$"
)


def sas_moment(shown: str | None) -> Moment | None:
    """How a SAS format such as `DATE9` or `E8601DT19.3` reads numbers; None for those that show numbers."""
    name = _sas_name(shown)
    if _SAS_DATES.match(name):
        return Moment(kind=Kind.DATE, seconds=_DAY)
    if _SAS_TIMESTAMPS.match(name):
        return Moment(kind=Kind.TIMESTAMP, zone="UTC" if name.endswith("DZ") else None)
    if name == "TOD":
        return Moment(kind=Kind.TIME_OF)
    return Moment(kind=Kind.TIME) if _SAS_TIMES.match(name) else None


def _sas_name(shown: str | None) -> str:
    """The format's name without its width: the digits of `E8601DT` are part of it."""
    text = (shown or "").strip().upper()
    prefix = _ISO.match(text)
    start = prefix.end() if prefix else 0
    match = _FORMAT.match(text[start:])
    return text[:start] + match[1] if match else ""


def spss_moment(shown: str | None) -> Moment | None:
    """How an SPSS format such as `EDATE10` reads numbers; None for those that show numbers."""
    match = _FORMAT.match((shown or "").upper())
    name = match[1] if match else ""
    if name in ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR"):
        return Moment(kind=Kind.DATE, epoch=_SPSS_EPOCH)
    if name in ("DATETIME", "YMDHMS"):
        return Moment(kind=Kind.TIMESTAMP, epoch=_SPSS_EPOCH)
    return Moment(kind=Kind.TIME, epoch=_SPSS_EPOCH) if name in ("TIME", "DTIME", "MTIME") else None


def _months(of: int) -> Callable[[Ticks], npt.NDArray[np.datetime64]]:
    def first_days(counts: Ticks) -> npt.NDArray[np.datetime64]:
        return (counts * of + (_STATA_EPOCH_YEAR - 1970) * 12).astype("datetime64[M]")

    return first_days


def _weeks(counts: Ticks) -> npt.NDArray[np.datetime64]:
    """Stata's years have 52 weeks, the last one of eight or nine days."""
    years = (np.floor_divide(counts, 52) + _STATA_EPOCH_YEAR - 1970).astype("datetime64[Y]")
    found: npt.NDArray[np.datetime64] = years.astype("datetime64[D]") + np.remainder(counts, 52) * 7
    return found


def _years(counts: Ticks) -> npt.NDArray[np.datetime64]:
    found: npt.NDArray[np.datetime64] = (counts - 1970).astype("datetime64[Y]")
    return found


_STATA_PERIODS = {"w": _weeks, "m": _months(1), "q": _months(3), "h": _months(6), "y": _years}


def stata_moment(shown: str | None) -> Moment | None:
    """How a Stata format such as `%td` or `%tcHH:MM` reads numbers; None for those that show numbers.

    `%tC`, which counts leap seconds, and `%tb`, which counts the days of a calendar outside the file, stay numbers.
    """
    text = (shown or "").removeprefix("%").removeprefix("-")
    if text.startswith("d"):
        return Moment(kind=Kind.DATE, seconds=_DAY)
    unit = text[1:2] if text.startswith("t") else ""
    if unit == "d":
        return Moment(kind=Kind.DATE, seconds=_DAY)
    if unit == "c":
        return Moment(kind=Kind.TIMESTAMP, seconds=0.001)
    periods = _STATA_PERIODS.get(unit)
    return Moment(kind=Kind.PERIOD, first_days=periods) if periods else None
