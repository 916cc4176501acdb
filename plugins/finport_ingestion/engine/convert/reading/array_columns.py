"""Columns out of NumPy arrays: every value as it stands, dates and times as such; objects, which are pickles, never."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]
TextOf = Callable[[np.dtype[Any]], str | None]

_MOST_COLUMNS = 2_000  # of a matrix; a wider one is a column of lists
_DATES = ("Y", "M", "W", "D")
_TIMES = {"h": "s", "m": "s", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}
_LARGEST_FLOATS = {"f": 8, "c": 16}  # bytes
_LAST_CHARACTER = 0x10FFFF
_LARGEST = {"D": 10**8, "s": 8 * 10**12, "ms": 8 * 10**15}  # of either sign, that stored types hold


class NoColumn(ValueError):
    """Values that no column holds exactly; the message says which, and continues "array 'x' "."""


def columns_of(array: Array, *, name: str, text_of: TextOf) -> dict[str, pa.Array]:
    """The columns of an array by name: the fields of records, the columns of a matrix, or one.

    Args:
        name: Of the column of an array of one dimension, and the beginning of those of a matrix.
        text_of: The encoding of a type of bytes; None where they are bytes and nothing more.

    Raises:
        NoColumn: Its values are of a type that is refused.
    """
    flat = array.reshape(1) if array.ndim == 0 else array
    if flat.dtype.names is not None and flat.ndim == 1:
        return {field: column(flat[field], text_of=text_of) for field in flat.dtype.names}
    width = flat.shape[-1] if flat.ndim == 2 and flat.dtype.names is None else 0
    if 0 < width <= _MOST_COLUMNS:
        return {f"{name}_{at}": column(flat[:, at], text_of=text_of) for at in range(width)}
    return {name: column(flat, text_of=text_of)}


def column(array: Array, *, text_of: TextOf) -> pa.Array:
    """An array of one dimension as an Arrow array; more dimensions are lists."""
    if array.ndim > 1:
        inner = column(array.reshape(-1, *array.shape[2:]), text_of=text_of)
        ends = np.arange(0, (array.shape[0] + 1) * array.shape[1], max(array.shape[1], 1))
        offsets = ends[: array.shape[0] + 1] if array.shape[1] else np.zeros(array.shape[0] + 1, np.int64)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), inner)
    if array.dtype.names is not None:
        fields = [column(array[field], text_of=text_of) for field in array.dtype.names]
        return pa.StructArray.from_arrays(fields, names=list(array.dtype.names))
    return _simple(array, text_of)


def refusal(dtype: np.dtype[Any]) -> str | None:
    """Why values of a type cannot be read, which continues "array 'x' "; None where they can."""
    try:
        columns_of(np.empty(0, dtype), name="x", text_of=lambda _: None)
    except NoColumn as why:
        return str(why)
    return None


def _simple(array: Array, text_of: TextOf) -> pa.Array:
    kind, size = array.dtype.kind, array.dtype.itemsize
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    if kind == "S":
        return _bytes(native, text_of(array.dtype))
    if kind == "O":
        raise NoColumn("holds pickled Python objects, which may run code when they are read: it is refused")
    if kind not in _READ or (kind in "fc" and size > _LARGEST_FLOATS[kind]):
        raise NoColumn(f"is of type {array.dtype}, which no column holds exactly")
    return _READ[kind](native)


def _complex(array: Array) -> pa.StructArray:
    parts = [pa.array(np.ascontiguousarray(part)) for part in (array.real, array.imag)]
    return pa.StructArray.from_arrays(parts, names=["real", "imaginary"])


def _spans(array: Array) -> pa.Array:
    """Lengths of time, in the unit of their type."""
    return pa.array(array.view(np.int64), mask=np.isnat(array))


def _opaque(array: Array) -> pa.BinaryArray:
    return pa.array([value.tobytes() for value in array], pa.binary())


def _bytes(array: Array, encoding: str | None) -> pa.Array:
    values = pa.array(array.tolist(), pa.binary())  # NumPy takes the NULs behind them for padding
    return values if encoding is None else decoded(values, encoding)


def decoded(values: pa.BinaryArray, encoding: str) -> pa.StringArray:
    """Bytes as text.

    Raises:
        NoColumn: They are not of the encoding.
    """
    try:
        if encoding in ("utf-8", "ascii"):
            return values.cast(pa.string())
        return pa.array(
            [None if value is None else value.decode(encoding) for value in values.to_pylist()], pa.string()
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise NoColumn(f"has text that is not {encoding}") from error


def _unicode(array: Array) -> pa.StringArray:
    unknown = "has text of characters that do not exist"
    if array.dtype.itemsize and array.view(np.uint32).max(initial=0) > _LAST_CHARACTER:
        raise NoColumn(unknown)  # Python stops with an error of its own
    try:
        return pa.array(array.tolist(), pa.string())
    except (ValueError, UnicodeError, pa.ArrowInvalid) as error:
        raise NoColumn(unknown) from error


def _moments(array: Array) -> pa.Array:
    unit, count = np.datetime_data(array.dtype)
    if unit in _DATES:
        return _checked(array.astype("datetime64[D]") if unit == "D" else _days(array, unit), "D").cast(pa.date32())
    if unit not in _TIMES:
        raise NoColumn(f"counts time in {count} {unit}, finer or coarser than any column holds")
    target = _TIMES[unit]
    if unit in ("h", "m") or count != 1:
        array = array.astype(f"datetime64[{target}]")
    return _checked(array, target)


def _days(array: Array, unit: str) -> Array:
    largest = {"Y": 200_000, "M": 2_400_000, "W": 10**7}[unit]
    if (np.abs(array.view(np.int64)[~np.isnat(array)]) > largest).any():
        raise NoColumn("has dates of years that no column holds")
    return array.astype("datetime64[D]")


def _checked(array: Array, unit: str) -> pa.Array:
    """`array` as moments; NaT is null."""
    valid = ~np.isnat(array)
    ticks = array.view(np.int64)
    if unit in _LARGEST and (np.abs(ticks[valid]) > _LARGEST[unit]).any():
        raise NoColumn("has dates of years that no column holds")
    if unit == "D":
        return pa.array(np.where(valid, ticks, 0).astype(np.int32), pa.int32(), mask=~valid).cast(pa.date32())
    return pa.array(ticks, pa.int64(), mask=~valid).cast(pa.timestamp(unit))


_READ: Mapping[str, Callable[[Array], pa.Array]] = {
    "b": pa.array,
    "i": pa.array,
    "u": pa.array,
    "f": pa.array,
    "c": _complex,
    "U": _unicode,
    "M": _moments,
    "m": _spans,
    "V": _opaque,
}
