"""Columns that a contract agrees on: what their values need of the type, and how their moments may be written."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import moments, numerals
from finport_ingestion.engine.convert.agreed_numbers import MARKED, NumbersSeen, look_numbers, with_mark
from finport_ingestion.engine.convert.digits import Numbers, read_numbers
from finport_ingestion.engine.convert.evidence import Evidence, Look
from finport_ingestion.engine.convert.infer import decimal_type
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.logical import LogicalType, to_arrow

_WAYS = {
    # A date may be delivered as its midnight, a timestamp as the day alone: nothing is lost.
    "date": (*moments.DATE_WAYS, *moments.TIMESTAMP_WAYS),
    "time": (moments.TIME,),
    "timestamp": (*moments.TIMESTAMP_WAYS, *moments.DATE_WAYS),
}
_INT64_DIGITS = 19


def look_agreed(
    values: pa.StringArray,
    logical: LogicalType,
    *,
    origins: frozenset[Origin],
    style: NumberStyle,
    mark: str | None = None,
    marks: bool = True,
) -> Look:
    """What the values that are of the agreed kind need: digits, or a way of writing. The others are misfits anyway.

    Numbers are parsed for that: where all are plain and of the agreed type, they are its `cast`, by `agreed_key`.

    Args:
        mark: That every number is agreed to carry.
        marks: Whether numbers may carry any.
    """
    count = len(values) - values.null_count
    seen = NumbersSeen()
    fits: dict[str, int] = {}
    cast: dict[str, pa.Array] = {}
    if logical.kind in ("integer", "decimal") and count:
        values = with_mark(values, mark)
        numbers = numerals.in_points(values, style)
        read = read_numbers(numbers)
        seen = look_numbers(values, numbers, read, style=style, zeros_count=logical.kind == "integer", marks=marks)
        fits = {MARKED: seen.marked} if seen.marked else {}
        made = _made(numbers, read, logical)
        cast = {agreed_key(logical): made} if made is not None else {}
    elif logical.kind in _WAYS and count:
        fits = _count_fits(values, logical)
    evidence = Evidence(
        values=count,
        nulls=values.null_count,
        alive=frozenset(),
        origins=origins if count else frozenset(),
        fits=fits,
        agreed_digits=seen.digits,
        agreed_scale=seen.scale,
        agreed_decor=seen.decor,
    )
    return Look(evidence, cast)


def agreed_key(logical: LogicalType) -> str:
    """What numbers of an agreed type are called among casts."""
    return f"agreed {logical}"


def _made(numbers: pa.StringArray, read: Numbers | None, logical: LogicalType) -> pa.Array | None:
    """What numerals would cast them to."""
    if read is None:
        return None
    target = to_arrow(logical)
    if pa.types.is_decimal128(target):
        return read.as_decimals(numbers, target)
    return read.as_integers(numbers) if logical.kind == "integer" else None


def widened(agreed: LogicalType, digits: int, scale: int) -> LogicalType:
    """The agreed type, or the decimal that holds what was delivered instead of it without loss.

    A number that no decimal holds is left to be rejected.

    Args:
        digits: The most before the point of what was delivered.
        scale: The most behind it.
    """
    if agreed.kind == "integer" and (scale or digits > _INT64_DIGITS):
        return decimal_type(digits, scale) or agreed
    if agreed.kind == "decimal":
        digits = max(digits, agreed.precision - agreed.scale)
        scale = max(scale, agreed.scale)
        if digits + scale > agreed.precision or scale > agreed.scale:
            if digits + scale <= agreed.precision:
                return LogicalType("decimal", agreed.precision, scale)
            return decimal_type(digits, scale) or agreed
    return agreed


def way_of(name: str, agreed: LogicalType, evidence: Evidence, *, date_order: str | None, final: bool) -> str | None:
    """How the column's moments are written: as most of its values are. None for other types.

    Raises:
        ConfigError: Day and month cannot be told apart, and all values were seen (`final`).
    """
    if agreed.kind not in _WAYS:
        return None
    if not evidence.fits:
        return _WAYS[agreed.kind][0]
    most = max(evidence.fits.values())
    best = sorted(way for way, count in evidence.fits.items() if count == most)
    orders = moments.order_of(best)
    if not orders:
        return best[0]
    if date_order is None and final:
        raise ConfigError(
            f"column '{name}' fits day/month/year as well as month/day/year.",
            hint="state 'dateOrder: dmy' or 'dateOrder: mdy' in the Format",
        )
    return orders[date_order or "dmy"]


def _count_fits(values: pa.StringArray, logical: LogicalType) -> dict[str, int]:
    fits: dict[str, int] = {}
    left = values.drop_null()
    for way in _likely(left, logical):
        if len(left) == 0:
            break
        _, wrong = moments.cast_moments(left, way)
        count = len(left) - (pc.sum(wrong).as_py() if wrong is not None else 0)
        if count:
            fits[way] = fits.get(way, 0) + count
            twin = _twin(way)
            if twin is not None:
                _, twin_wrong = moments.cast_moments(left, twin)
                fits[twin] = len(left) - (pc.sum(twin_wrong).as_py() if twin_wrong is not None else 0)
                wrong = None if wrong is None or twin_wrong is None else pc.and_(wrong, twin_wrong)
            left = left.filter(wrong) if wrong is not None else left.slice(0, 0)
    return {way: count for way, count in fits.items() if count}


def _likely(values: pa.StringArray, logical: LogicalType) -> list[str]:
    """The ways of the type; those that the first value could be come first."""
    first = moments.could_be(values[0].as_py()) if len(values) else frozenset()
    return sorted(_WAYS[logical.kind], key=lambda way: way not in first)


def _twin(way: str) -> str | None:
    """The way with day and month exchanged, where that may be a date too."""
    for other in (way.replace("%d/%m", "%m/%d"), way.replace("%m/%d", "%d/%m")):
        if other != way and other in moments.WAYS:
            return other
    for other in (way.replace("%d-%m-%Y", "%m-%d-%Y"), way.replace("%m-%d-%Y", "%d-%m-%Y")):
        if other != way and other in moments.WAYS:
            return other
    return None
