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

from finport_ingestion.engine.convert.reading.leaves import any_leaf, each_leaf

_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_DAY_SECONDS = 86_400
_FIRST_DAY, _LAST_DAY = -719_161, 2_932_895  # that are days of Python in every time zone
_MOST_SCALE = 1_000
_WIDTHS: dict[int, type[np.floating[Any]]] = {16: np.float16, 32: np.float32, 64: np.float64}


def as_texts(values: pa.Array) -> pa.StringArray:
    """Each value as text, null where there is none. A string is itself, bytes are hexadecimal."""
    if pa.types.is_string(values.type):
        return values
    return next((spell for is_kind, spell in _SPELLINGS if is_kind(values.type)), _each)(values)


def spelled_moments(values: pa.Array) -> pa.Array:
    """Dates, times and durations as texts; moments too, where Python does not hold them exactly; others as they are.

    Python's dates end with the year 9999, and its times before 24:00:00 and at microseconds.
    """
    kind = values.type
    if pa.types.is_timestamp(kind):
        return as_texts(values) if kind.unit == "ns" or _is_far(values) else values
    return as_texts(values) if pa.types.is_temporal(kind) and not pa.types.is_interval(kind) else values


def _is_far(values: pa.TimestampArray) -> bool:
    ends = pc.min_max(values.cast(pa.int64()))
    if not ends["min"].is_valid:
        return False
    day = _TICKS[values.type.unit] * _DAY_SECONDS
    return bool(ends["min"].as_py() < _FIRST_DAY * day or ends["max"].as_py() > _LAST_DAY * day)


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


def _nested(values: pa.Array) -> pa.StringArray:
    """JSON, of moments as they are spelled."""
    return _each(each_leaf(values, spelled_moments))


def _unions(values: pa.UnionArray) -> pa.StringArray:
    """Each value by the text of its own type."""
    if not any_leaf(values.type, pa.types.is_temporal):
        return _each(values)
    inside = (cell.value for cell in values)
    texts = [None if one is None else as_texts(pa.array([one], one.type))[0].as_py() for one in inside]
    return pa.array(texts, pa.string())


def _each(values: pa.Array) -> pa.StringArray:
    return pa.array([text_of(cell.as_py()) for cell in values], pa.string())


def _decimals(values: pa.Array) -> pa.StringArray:
    """By their unscaled integers: Arrow makes no Python values of scales that it does not expect.

    Raises:
        ArrowInvalid: They would be texts of very many zeros.
    """
    width, scale = values.type.byte_width, values.type.scale
    if abs(scale) > _MOST_SCALE:
        raise pa.ArrowInvalid(f"decimals with {scale} digits behind the point")
    content = memoryview(values.buffers()[1] or b"")[values.offset * width :]
    unscaled = (
        int.from_bytes(content[at * width : at * width + width], "little", signed=True) for at in range(len(values))
    )
    texts = [format(Decimal(f"{number}E{-scale}"), "f") for number in unscaled]
    return pc.if_else(values.is_valid(), pa.array(texts, pa.string()), pa.scalar(None, pa.string()))


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
_kinds = pa.types
_SPELLINGS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], pa.StringArray]], ...] = (
    (_kinds.is_timestamp, _stamps),
    (_kinds.is_time, _clocks),
    (_kinds.is_duration, _durations),
    (_kinds.is_floating, _floats),
    (_kinds.is_decimal, _decimals),
    (_kinds.is_union, _unions),
    (_kinds.is_nested, _nested),
    *((is_kind, lambda values: values.cast(pa.string())) for is_kind in (_kinds.is_integer, _kinds.is_date32)),
    *((is_kind, lambda values: values.cast(pa.string())) for is_kind in (_kinds.is_boolean, _kinds.is_large_string)),
)
