"""The evidence of some values of a column: which of the hypotheses that are left every one of them fits."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import enumerations, identifiers, moments, numerals
from finport_ingestion.engine.convert.decorated import (
    DEAD,
    Decor,
    could_be_decorated,
    look_decorated,
    of_plain_numbers,
)
from finport_ingestion.engine.convert.digits import MAX_DIGITS, Numbers, read_numbers
from finport_ingestion.engine.convert.evidence import (
    BOOLEAN,
    DECIMAL,
    DECORATED,
    DIGITS,
    ENUMERATION,
    HYPOTHESES,
    INTEGER,
    SIMPLE,
    Evidence,
    Look,
)
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.nested import look_nested
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.logical import LogicalType

_BOOLEANS = pa.array(["true", "false", "True", "False", "TRUE", "FALSE"])
_NESTED = frozenset({Origin.NESTED})


def look(
    values: pa.StringArray,
    *,
    origins: frozenset[Origin] = frozenset({Origin.FIELD}),
    style: NumberStyle = NumberStyle.POINT,
    among: frozenset[str] = HYPOTHESES,
) -> Look:
    """The evidence of some values.

    Args:
        among: The hypotheses that are worth a test: those that earlier values of the column have left.
    """
    count = len(values) - values.null_count
    if count == 0:
        unstated = origins == {Origin.FIELD}
        return Look(Evidence(nulls=values.null_count, origins=frozenset() if unstated else origins))
    if origins == _NESTED:
        shape = look_nested(values)
        return Look(Evidence(count, values.null_count, frozenset(), origins=origins, decor=DEAD, shape=shape))
    if not among:
        return Look(Evidence(count, values.null_count, frozenset(), origins=origins, decor=DEAD))
    alive = _first_look(values, among, style)
    cast: dict[str, pa.Array] = {}
    digits, scale = _look_at_numbers(values, alive, cast, style)
    decor = _look_at_decor(values, alive, (digits, scale), style)
    bare = INTEGER in cast and style is NumberStyle.POINT  # and without a minus, or DIGITS would be gone
    if DIGITS in alive and not bare and not numerals.all_match(values, numerals.DIGITS):
        alive -= {DIGITS}
    if BOOLEAN in alive and not pc.all(pc.is_in(values.drop_null(), value_set=_BOOLEANS)).as_py():
        alive -= {BOOLEAN}
    for way in alive - SIMPLE - identifiers.KINDS:
        found, wrong = moments.cast_moments(values, way)
        if wrong is None:
            cast[way] = found
        else:
            alive.discard(way)
    few = _look_at_identifiers(values, alive)
    choices = _look_at_choices(values, alive)
    counts = (count, values.null_count)
    seen = Evidence(*counts, frozenset(alive), digits, scale, origins, decor, few=few, choices=choices)
    return Look(seen, cast)


def _look_at_identifiers(values: pa.StringArray, alive: set[str]) -> frozenset[str] | None:
    """The distinct values, if it matters how many; takes from `alive` the kinds of which not all are."""
    alive -= {kind for kind in alive & identifiers.KINDS if not identifiers.are_all(values, kind)}
    return identifiers.distinct(values) if identifiers.counts_values(alive) else frozenset()


def _look_at_choices(values: pa.StringArray, alive: set[str]) -> frozenset[str]:
    """The distinct values, as long as they may be those of a list."""
    choices = enumerations.distinct(values) if ENUMERATION in alive else None
    if choices is None:
        alive.discard(ENUMERATION)
    return choices or frozenset()


def _look_at_decor(values: pa.StringArray, alive: set[str], size: tuple[int, int], style: NumberStyle) -> Decor:
    if DECORATED not in alive:
        return DEAD
    plain = DECIMAL in alive and style is NumberStyle.POINT
    decor = of_plain_numbers(values, *size) if plain else look_decorated(values)
    if style is NumberStyle.COMMA:
        decor = Decor(decor.marks, None, decor.comma)
    if not decor.is_number:
        alive.discard(DECORATED)
        return DEAD
    return decor


def _look_at_numbers(
    values: pa.StringArray, alive: set[str], cast: dict[str, pa.Array], style: NumberStyle
) -> tuple[int, int]:
    """The most digits before and behind the point; takes from `alive` what fails, and adds integers to `cast`."""
    if DECIMAL not in alive:
        return 0, 0
    numbers = numerals.in_points(values, style)
    read = read_numbers(numbers)
    if read is not None:
        return _look_at_read(read, numbers, alive, cast)
    if INTEGER in alive:
        integers = numerals.parse_integers(numbers)
        if integers is not None:
            cast[INTEGER] = integers
            return numerals.largest(numbers)
        if not numerals.all_match(numbers, numerals.INTEGER):
            alive.discard(INTEGER)
    if not numerals.all_match(numbers, numerals.DECIMAL):
        alive -= {DECIMAL, INTEGER}
        return 0, 0
    return numerals.largest(numbers)


def _look_at_read(
    read: Numbers, numbers: pa.StringArray, alive: set[str], cast: dict[str, pa.Array]
) -> tuple[int, int]:
    if read.scale:
        alive -= {INTEGER, DIGITS}
        decimals = read.as_decimals(numbers, pa.decimal128(MAX_DIGITS, read.scale))
        if decimals is not None:
            cast[str(LogicalType(DECIMAL, MAX_DIGITS, read.scale))] = decimals
        return read.digits, read.scale
    if read.signed:
        alive.discard(DIGITS)
    integers = read.as_integers(numbers)
    if integers is not None and INTEGER in alive:
        cast[INTEGER] = integers
    return read.digits, 0


def _first_look(values: pa.StringArray, among: frozenset[str], style: NumberStyle) -> set[str]:
    """What the first value can be at all: most hypotheses die here, for the price of one value."""
    at = pc.index(values.is_valid(), pa.scalar(True)).as_py() if values.null_count else 0
    first = values[at]
    text = first.as_py()
    number = text if style is NumberStyle.POINT else numerals.in_points(pa.array([text]), style)[0].as_py()
    possible = set(moments.could_be(text, among))
    possible |= {DIGITS} if re.fullmatch(numerals.DIGITS, text) else set()
    possible |= {DECIMAL, INTEGER} if re.fullmatch(numerals.DECIMAL, number) else set()
    possible |= {DECORATED} if could_be_decorated(text) else set()
    possible |= {BOOLEAN} if text.lower() in ("true", "false") else set()
    possible |= {ENUMERATION} if ENUMERATION in among and enumerations.could_be(text) else set()
    possible |= identifiers.could_be(text, among)
    return possible & among
