"""Texts to typed values, strictly: a value that does not fit is null and named as a misfit, never rounded or bent."""

from __future__ import annotations

import json
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import moments, numerals
from finport_ingestion.engine.convert.decorated import Convention, plain_numbers
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.logical import LogicalType, to_arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a Format and a Source say about the texts of a run."""

    style: NumberStyle = NumberStyle.POINT
    date_order: str | None = None
    time_zone: str | None = None  # of naive times, where the source states it


@dataclass(frozen=True, slots=True)
class Casting:
    """Typed values, null where the delivered one does not fit; `misfits` is None where all do."""

    values: pa.Array
    misfits: pa.BooleanArray | None = None


def cast_text(values: pa.StringArray, logical: LogicalType, *, way: str | None, reading: Reading) -> Casting:
    """`values` as `logical`.

    Args:
        way: How moments are written (moments.py), needed for dates, times and timestamps; how numbers are marked.
    """
    kind = logical.kind
    if kind in ("text", "identifier"):
        return Casting(values)
    if kind in ("date", "time", "timestamp"):
        return _moments(values, logical, way or "", reading)
    if kind == "boolean":
        return _booleans(values)
    if kind == "json":
        return _json(values)
    if kind == "binary":
        return Casting(values.cast(pa.binary()))
    numbers = _in_points(values, way, reading)
    if kind == "integer":
        return Casting(*numerals.cast_integers(numbers))
    if kind == "float":
        return Casting(*numerals.cast_floats(numbers))
    return Casting(*numerals.cast_decimals(numbers, to_arrow(logical)))


def cast_proved(values: pa.StringArray, logical: LogicalType, *, way: str | None, reading: Reading) -> Casting:
    """`values` as `logical`, which the evidence of all of them has shown to hold them: decimals need no second look."""
    if way in frozenset(Convention):
        return Casting(plain_numbers(values, Convention(way)).cast(to_arrow(logical)))
    if logical.kind != "decimal":
        return cast_text(values, logical, way=way, reading=reading)
    return Casting(numerals.in_points(values, reading.style).cast(to_arrow(logical)))


def _in_points(values: pa.StringArray, way: str | None, reading: Reading) -> pa.StringArray:
    if way in frozenset(Convention):
        return plain_numbers(values, Convention(way))
    return numerals.in_points(values, reading.style)


def localised(values: pa.Array, *, time_zone: str) -> Casting:
    """Naive timestamps as UTC; hours that the zone has twice or never are misfits."""
    earliest = pc.assume_timezone(values, time_zone, ambiguous="earliest", nonexistent="earliest")
    latest = pc.assume_timezone(values, time_zone, ambiguous="latest", nonexistent="latest")
    sure = pc.equal(earliest, latest)
    found = pc.if_else(sure, earliest, pa.scalar(None, earliest.type))
    return Casting(found.cast(pa.timestamp("us", "UTC")), numerals.misfits(values, sure))


def either(first: pa.BooleanArray | None, second: pa.BooleanArray | None) -> pa.BooleanArray | None:
    """Misfits of two tests in a row."""
    if first is None or second is None:
        return second if first is None else first
    return pc.or_(first, second)


def _moments(values: pa.StringArray, logical: LogicalType, way: str, reading: Reading) -> Casting:
    found, wrong = moments.cast_moments(values, way)
    target = to_arrow(logical)
    if logical.kind == "date" and way.startswith("timestamp:"):
        days = found.cast(pa.date32(), safe=False)
        midnight = pc.equal(days.cast(found.type), found)
        return Casting(_where(days, midnight), either(wrong, numerals.misfits(found, midnight)))
    if logical.kind != "timestamp":
        return Casting(found, wrong)
    if way.startswith("date:"):
        found = found.cast(pa.timestamp("us"))
    if way.endswith("+zone"):
        if logical.time_zone is None:
            # An offset that is dropped would move the moment.
            return Casting(pa.nulls(len(values), target), values.is_valid())
        return Casting(found.cast(target), wrong)
    if logical.time_zone is None:
        return Casting(found, wrong)
    local = localised(found, time_zone=reading.time_zone or "UTC")
    return Casting(local.values.cast(target), either(wrong, local.misfits))


def _booleans(values: pa.StringArray) -> Casting:
    lower = pc.utf8_lower(values)
    true = pc.equal(lower, "true")
    fits = pc.or_(true, pc.equal(lower, "false"))
    return Casting(_where(true, fits), numerals.misfits(values, fits))


def _json(values: pa.StringArray) -> Casting:
    fits = pa.array([text is None or _is_json(text) for text in values.to_pylist()], pa.bool_())
    return Casting(_where(values, fits), numerals.misfits(values, fits))


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return _is_json_of_any_number(text)
    return True


def _is_json_of_any_number(text: str) -> bool:
    """orjson has no numbers beyond a double, nor NaN, which Python writes."""
    try:
        json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def _where(values: pa.Array, fits: pa.BooleanArray) -> pa.Array:
    return pc.if_else(fits, values, pa.scalar(None, values.type))
