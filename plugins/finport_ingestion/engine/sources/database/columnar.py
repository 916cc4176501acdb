"""Columns that a driver gives as columns: made what their type says, exactly or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)
_FIRST_MOMENT = datetime(1, 1, 1)  # noqa: DTZ001 - compared with what has no zone, or as UTC
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001


class Unrepresentable(ValueError):
    """A date or time that cannot be written: infinity, before year 1, after year 9999, at 24 o'clock."""


def fitted(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """`values` as `kind`: text is read as what it spells, numbers are widened, nothing is rounded or cut.

    Raises:
        ValueError: A value is not of that type (pyarrow.ArrowInvalid is one).
        Unrepresentable: A date or time is out of what can be written.
    """
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.type != kind:
        values = _cast(values, kind)
    _check_range(values)
    return values


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return values.cast(kind, safe=True)
    except pa.ArrowNotImplementedError:
        if pa.types.is_time(kind) and pa.types.is_string(values.type):
            return _times(values, kind)
        raise TypeError(f"no way from {values.type} to {kind}") from None


def _times(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Times of day as those of the first day that Arrow knows: it reads no text as a time."""
    moments = pc.binary_join_element_wise("1970-01-01", values, " ").cast(pa.timestamp(kind.unit))
    return moments.cast(kind)


def _check_range(values: pa.Array) -> None:
    """Drivers that work in C give whatever number the server sent."""
    ends = _ends(values.type)
    if ends is None or len(values) == values.null_count:
        return
    whole = pa.int32() if pa.types.is_date32(values.type) else pa.int64()
    found = pc.min_max(values.cast(whole))
    low, high = (pa.scalar(end, values.type).cast(whole) for end in ends)
    if found["min"].as_py() < low.as_py() or found["max"].as_py() > high.as_py():
        raise Unrepresentable


def _ends(kind: pa.DataType) -> tuple[Any, Any] | None:
    if pa.types.is_date32(kind):
        return _FIRST, _LAST
    if kind == pa.time64("us"):
        return time.min, time.max
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        zone = UTC if kind.tz else None
        return _FIRST_MOMENT.replace(tzinfo=zone), _LAST_MOMENT.replace(tzinfo=zone)
    return None
