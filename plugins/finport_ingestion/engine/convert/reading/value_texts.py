"""Arrow values of any type as texts that say them exactly: ISO 8601 moments, plain digits, JSON for what is nested."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY_SECONDS = 86_400
_WIDTHS: dict[int, type[np.floating[Any]]] = {16: np.float16, 32: np.float32, 64: np.float64}


def as_texts(values: pa.Array) -> pa.StringArray:
    """Each value as text, null where there is none. A string is itself, bytes are hexadecimal."""
    kinds, kind = pa.types, values.type
    if kinds.is_string(kind):
        return values
    if kinds.is_timestamp(kind):
        return _stamps(values)
    if kinds.is_time(kind):
        return _clocks(values)
    if kinds.is_duration(kind):
        return _durations(values)
    if kinds.is_floating(kind):
        return _floats(values)
    if kinds.is_large_string(kind) or kinds.is_boolean(kind) or kinds.is_integer(kind) or kinds.is_date32(kind):
        return values.cast(pa.string())
    return pa.array([text_of(cell.as_py()) for cell in values], pa.string())


def text_of(value: object) -> str | None:
    """One Python value as text: strings bare, lists and objects as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (dict, list, tuple)) and not isinstance(value, pa.MonthDayNano):
        return json.dumps(_member(value), ensure_ascii=False, separators=(",", ":"))
    plain = _member(value)
    return {True: "true", False: "false"}[plain] if isinstance(plain, bool) else str(plain)


def iso_duration(months: int = 0, days: int = 0, nanoseconds: int = 0) -> str:
    """`P14M3DT0.000000001S`: each part as it stands, since a month has no fixed days and a day no fixed seconds."""
    sign = "-" if nanoseconds < 0 else ""
    seconds, rest = divmod(abs(nanoseconds), 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    parts = [f"{months}M" if months else "", f"{days}D" if days else ""]
    if seconds or rest or not (months or days):
        parts.append(f"T{sign}{seconds}{fraction}S")
    return "P" + "".join(parts)


def stamp_texts(ticks: np.ndarray, unit: str, *, zoned: bool) -> list[str]:
    """ISO 8601 texts of moments since 1970, of any year that 64 bits hold."""
    mark = "Z" if zoned else ""
    return [f"{text}{mark}" for text in np.datetime_as_string(ticks.astype(f"datetime64[{unit}]")).tolist()]


def _stamps(values: pa.Array) -> pa.StringArray:
    numbers = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    texts = pa.array(stamp_texts(numbers, values.type.unit, zoned=values.type.tz is not None), pa.string())
    return pc.if_else(values.is_valid(), texts, pa.scalar(None, pa.string()))


def _clocks(values: pa.Array) -> pa.StringArray:
    """Counted, since Python's clock ends before the 24:00:00 that files have."""
    ticks = _TICKS[values.type.unit]
    numbers = values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64()).to_pylist()
    return pa.array([None if number is None else _clock(number, ticks) for number in numbers], pa.string())


def _clock(number: int, ticks: int) -> str:
    seconds, rest = divmod(number, ticks)
    if not 0 <= seconds <= _DAY_SECONDS:
        return f"{Decimal(number) / ticks:f} s"
    fraction = f".{rest:0{len(str(ticks)) - 1}d}" if rest else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


def _durations(values: pa.Array) -> pa.StringArray:
    each = _TICKS["ns"] // _TICKS[values.type.unit]
    numbers = values.cast(pa.int64()).to_pylist()
    return pa.array([None if n is None else iso_duration(nanoseconds=n * each) for n in numbers], pa.string())


def _floats(values: pa.Array) -> pa.StringArray:
    """The shortest digits that give the same binary number, of its own width."""
    width: type[np.floating[Any]] = _WIDTHS[values.type.bit_width]
    return pa.array([None if v is None else _digits(v, width) for v in values.to_pylist()], pa.string())


def _digits(value: float, width: type[np.floating[Any]]) -> str:
    if not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return np.format_float_positional(width(value), unique=True, trim="0")


def _member(value: Any) -> Any:
    """A value as JSON has it: numbers that it has no exact way for are strings."""
    if isinstance(value, dict):
        return {str(text_of(key)): _member(found) for key, found in value.items()}
    if isinstance(value, (list, tuple)) and not isinstance(value, pa.MonthDayNano):
        return [_member(found) for found in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _digits(value, np.float64)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return next((spell(value) for kind, spell in _SPELLED if isinstance(value, kind)), str(value))


def _timedelta(value: Any) -> str:
    """Of Python or pandas."""
    whole = (value.days * _DAY_SECONDS + value.seconds) * 1_000_000 + value.microseconds
    return iso_duration(nanoseconds=whole * 1_000 + getattr(value, "nanoseconds", 0))


_SPELLED: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (pa.MonthDayNano, lambda value: iso_duration(value.months, value.days, value.nanoseconds)),
    (bytes, lambda value: value.hex()),
    (Decimal, lambda value: format(value, "f")),
    (timedelta, _timedelta),
    (date, lambda value: value.isoformat()),  # datetimes are dates
    (time, lambda value: value.isoformat()),
)
