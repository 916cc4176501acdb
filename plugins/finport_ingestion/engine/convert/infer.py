"""Which type a column of texts has: what every value of it is, gathered batch by batch, and the decision at the end.

`Evidence` of two halves of a column merges to the evidence of the whole, whatever the cut, so a type inferred while
converting is the type that all values give. Samples only propose; this proves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert import enumerations, identifiers, moments, numerals
from finport_ingestion.engine.convert.decorated import (
    DEAD,
    Convention,
    Decor,
    could_be_decorated,
    look_decorated,
    of_plain_numbers,
)
from finport_ingestion.engine.convert.digits import MAX_DIGITS, Numbers, read_numbers
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.nested import Shape, look_nested, type_of
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.logical import LogicalType

INTEGER, DECIMAL, DIGITS, BOOLEAN, DECORATED = "integer", "decimal", "digits", "boolean", "decorated"
ENUMERATION = "enumeration"  # as far as the values go; how often they stand there decides
_SIMPLE = frozenset({INTEGER, DECIMAL, DIGITS, BOOLEAN, DECORATED, ENUMERATION})
HYPOTHESES = frozenset({*_SIMPLE, *moments.WAYS, *identifiers.KINDS})
_BOOLEANS = pa.array(["true", "false", "True", "False", "TRUE", "FALSE"])
MAX_INTEGER_DIGITS = 18
_PRECISIONS = (18, 38, 76)
_NESTED = frozenset({Origin.NESTED})
_MANY = 20
_LAST_WORD = re.compile(
    "ids?|codes?|no|nr|num|number|identifier|account|acct|zip|zipcode|postcode|postal|cert|routing|swift|aba|mic|ric"
    "|permno|permco|symbol|ticker|phone|fax|ssn|tin|ein"
)
_ANY_WORD = re.compile("isin|cusip|sedol|lei|figi|iban|bic|cik|fips|gvkey")
_DATE_WORDS = frozenset(["date", "day", "dt", "asof", "on"])
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the values of a column so far."""

    values: int = 0  # not null
    nulls: int = 0
    alive: frozenset[str] = HYPOTHESES  # what every value is
    digits: int = 0  # most before the point, while DECIMAL is alive
    scale: int = 0  # most behind it
    origins: frozenset[Origin] = field(default_factory=frozenset)
    decor: Decor = field(default_factory=Decor)  # while DECORATED is alive
    # Of a column that the contract may mean: what its fitting values need.
    fits: Mapping[str, int] = field(default_factory=dict)  # values by way of writing moments
    agreed_digits: int = 0
    agreed_scale: int = 0
    agreed_decor: Decor = field(default_factory=Decor)
    shape: Shape = field(default_factory=Shape)  # of lists and objects, where there is nothing else
    few: frozenset[str] | None = frozenset()  # of what looks like an identifier: see identifiers.distinct
    choices: frozenset[str] = frozenset()  # the distinct values, while ENUMERATION is alive

    def __add__(self, other: Evidence) -> Evidence:
        alive = self.alive & other.alive
        choices = enumerations.merged(self.choices, other.choices) if ENUMERATION in alive else None
        if choices is None:
            alive -= {ENUMERATION}
        number = DECIMAL in alive
        return Evidence(
            self.values + other.values,
            self.nulls + other.nulls,
            alive,
            max(self.digits, other.digits) if number else 0,
            max(self.scale, other.scale) if number else 0,
            self.origins | other.origins,
            self.decor + other.decor if DECORATED in alive else DEAD,
            {way: self.fits.get(way, 0) + other.fits.get(way, 0) for way in {**self.fits, **other.fits}},
            max(self.agreed_digits, other.agreed_digits),
            max(self.agreed_scale, other.agreed_scale),
            self.agreed_decor + other.agreed_decor,
            self.shape + other.shape,
            identifiers.merged(self.few, other.few) if identifiers.counts_values(alive) else frozenset(),
            choices or frozenset(),
        )

    def to_plain(self) -> dict[str, Any]:
        return {
            "values": self.values,
            "nulls": self.nulls,
            "alive": None if self.alive == HYPOTHESES else sorted(self.alive),
            "digits": self.digits,
            "scale": self.scale,
            "origins": sorted(self.origins),
            "decor": self.decor.to_plain(),
            "fits": dict(sorted(self.fits.items())),
            "agreed": [self.agreed_digits, self.agreed_scale, self.agreed_decor.to_plain()],
            "shape": self.shape.to_plain(),
            "few": None if self.few is None else sorted(self.few),
            "choices": sorted(self.choices),
        }

    @staticmethod
    def from_plain(fields: dict[str, Any]) -> Evidence:
        alive = HYPOTHESES if fields["alive"] is None else frozenset(fields["alive"])
        origins = frozenset(Origin(origin) for origin in fields["origins"])
        numbers = (fields["values"], fields["nulls"], alive, fields["digits"], fields["scale"])
        decor, shape = Decor.from_plain(fields["decor"]), Shape.from_plain(fields["shape"])
        digits, scale, *marks = fields["agreed"]
        agreed = (digits, scale, Decor.from_plain(*marks) if marks else Decor())
        few = None if fields["few"] is None else frozenset(fields["few"])
        choices = frozenset(fields.get("choices", ()))
        return Evidence(*numbers, origins, decor, fields["fits"], *agreed, shape, few, choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The type of a column, how its texts are written, and what a person should know."""

    logical: LogicalType
    way: str | None = None  # of moments.py
    label: str | None = None
    note: str | None = None  # continues "column 'x' "
    nested: pa.DataType | None = None  # of lists and objects: then `logical` is what they are otherwise kept as


TEXT = Decision(logical=LogicalType("text"))
ONE_OF_A_LIST = Decision(logical=LogicalType("text"), label=ENUMERATION)
IDENTIFIER = Decision(logical=LogicalType("identifier"), label="identifier")
AMBIGUOUS_NUMBER = Decision(
    logical=LogicalType("text"),
    label="ambiguous number",
    note="has marks that may be of thousands or of decimals; it is kept as text: state decimalComma, or its type",
)


class Commas(StrEnum):
    """What the commas in the numbers of a file are, as far as all of its columns tell."""

    UNKNOWN = "unknown"
    THOUSANDS = "thousands"  # fields are cut by commas, and no value has a decimal comma
    DECIMALS = "decimals"  # some column has decimal commas for sure


@dataclass(frozen=True, slots=True)
class Look:
    """The evidence of some values, and what the tests made of them on the way, by hypothesis."""

    evidence: Evidence
    cast: Mapping[str, pa.Array] = field(default_factory=dict)  # of a decimal, by its spelling


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
    for way in alive - _SIMPLE - identifiers.KINDS:
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
    number = numerals.in_points(pa.array([text]), style)[0].as_py()
    possible = set(moments.could_be(text, among))
    possible |= {DIGITS} if re.fullmatch(numerals.DIGITS, text) else set()
    possible |= {DECIMAL, INTEGER} if re.fullmatch(numerals.DECIMAL, number) else set()
    possible |= {DECORATED} if could_be_decorated(text) else set()
    possible |= {BOOLEAN} if text.lower() in ("true", "false") else set()
    possible |= {ENUMERATION} if ENUMERATION in among and enumerations.could_be(text) else set()
    possible |= identifiers.could_be(text, among)
    return possible & among


def decide(
    name: str,
    evidence: Evidence,
    *,
    date_order: str | None = None,
    orders: bool = False,
    commas: Commas = Commas.UNKNOWN,
) -> Decision:
    """The type that all values of a column give it.

    Args:
        commas: What the file's other values say of its commas.
        date_order: `dmy` or `mdy`, where the Format states it.
        orders: The column is the cursor of an increment: its numbers are numbers, whatever its name says.
    """
    if evidence.values == 0:
        return TEXT
    if evidence.origins == _NESTED:
        return _nested(evidence)
    if Origin.NESTED in evidence.origins:
        mixed = bool(evidence.origins & {Origin.STRING, Origin.FIELD})
        note = "holds lists or objects beside strings; it is kept as text" if mixed else None
        return Decision(logical=LogicalType("text" if mixed else "json"), note=note)
    if len(evidence.origins) > 1:
        return Decision(logical=LogicalType("text"), note=f"mixes {_spoken(evidence.origins)}; it is kept as text")
    if Origin.STRING in evidence.origins:
        return _checked(name, evidence) or _moment(evidence, date_order) or _named(name) or _text(evidence)
    identifier = names_an_identifier(name) and not orders
    checked = None if orders else _checked(name, evidence)
    if identifier or _zeros_lead(evidence):
        return checked or IDENTIFIER
    return (
        (checked if Origin.FIELD in evidence.origins else None)
        or _number(name, evidence, commas)
        or _boolean(evidence)
        or _moment(evidence, date_order)
        or _decorated(evidence, commas)
        or _text(evidence)
    )


def _nested(evidence: Evidence) -> Decision:
    found, reason = type_of(evidence.shape)
    note = f"{reason}; it is kept as JSON text" if found is None else None
    return Decision(logical=LogicalType("json"), note=note, nested=found)


def _checked(name: str, evidence: Evidence) -> Decision | None:
    """The kind of identifier that the check digits of all values prove."""
    kind = identifiers.told_by(evidence.alive, evidence.few, _words(name))
    return Decision(logical=LogicalType("identifier"), label=kind) if kind else None


def names_an_identifier(name: str) -> bool:
    """Whether a column called so holds identifiers: they stay text, since the next file may bring the zero."""
    words = _words(name)
    return bool(words) and bool(_LAST_WORD.fullmatch(words[-1]) or any(map(_ANY_WORD.fullmatch, words)))


def decimal_type(digits: int, scale: int) -> LogicalType | None:
    """The smallest of the three decimals that holds so many digits before and behind the point."""
    precision = next((size for size in _PRECISIONS if digits + scale <= size), None)
    return LogicalType("decimal", precision, scale) if precision else None


def _zeros_lead(evidence: Evidence) -> bool:
    return DIGITS in evidence.alive and INTEGER not in evidence.alive and moments.COMPACT not in evidence.alive


def _decorated(evidence: Evidence, commas: Commas) -> Decision | None:
    decor = evidence.decor
    if DECORATED not in evidence.alive or not decor.is_number:
        return None
    if decor.fault:
        return Decision(logical=LogicalType("text"), note=f"{decor.fault}; it is kept as text")
    convention = decor.clear or (Convention.POINT if commas is Commas.THOUSANDS else None)
    if convention is None:
        return AMBIGUOUS_NUMBER
    digits, scale = decor.size(convention)
    integer = scale == 0 and digits <= MAX_INTEGER_DIGITS
    logical = LogicalType("integer") if integer else decimal_type(digits, scale)
    return Decision(logical=logical, way=convention.value, label=decor.label) if logical else None


def _may_be_thousands(evidence: Evidence) -> bool:
    """Whether the points of numbers may stand between thousands."""
    return bool(evidence.scale) and evidence.decor.comma is not None and evidence.decor.point is not None


def _number(name: str, evidence: Evidence, commas: Commas) -> Decision | None:
    if INTEGER in evidence.alive:
        if moments.COMPACT in evidence.alive and (evidence.values >= _MANY or _names_a_date(name)):
            return Decision(logical=LogicalType("date"), way=moments.COMPACT)
        if evidence.digits <= MAX_INTEGER_DIGITS:
            return Decision(logical=LogicalType("integer"))
        note = f"has integers of {evidence.digits} digits; it is kept as text"
        return Decision(logical=LogicalType("identifier"), label="identifier", note=note)
    if DECIMAL in evidence.alive:
        if commas is Commas.DECIMALS and _may_be_thousands(evidence):
            return AMBIGUOUS_NUMBER  # 1.338 in a file whose decimal mark is the comma
        found = decimal_type(evidence.digits, evidence.scale)
        if found is None:
            return Decision(logical=LogicalType("text"), note="has numbers of more than 76 digits; it is kept as text")
        return Decision(logical=found)
    return None


def _boolean(evidence: Evidence) -> Decision | None:
    return Decision(logical=LogicalType("boolean")) if BOOLEAN in evidence.alive else None


def _moment(evidence: Evidence, date_order: str | None) -> Decision | None:
    ways = evidence.alive & frozenset(moments.WAYS)
    if moments.COMPACT in ways and evidence.origins == {Origin.STRING}:
        ways -= {moments.COMPACT}  # a string of digits was made a string on purpose
    if not ways:
        return None
    orders = moments.order_of(ways)
    if orders and date_order is None:
        note = "fits day/month/year as well as month/day/year; it is kept as text: state dateOrder, or its type"
        return Decision(logical=LogicalType("text"), label="ambiguous date", note=note)
    way = orders[str(date_order)] if orders else min(ways)
    kind, _, written = way.partition(":")
    zoned = written.endswith("+zone")
    label = "naive" if kind == "timestamp" and not zoned else None
    return Decision(logical=LogicalType(kind, time_zone="UTC" if zoned else None), way=way, label=label)


def _named(name: str) -> Decision | None:
    return IDENTIFIER if names_an_identifier(name) else None


def _text(evidence: Evidence) -> Decision:
    few = ENUMERATION in evidence.alive and enumerations.is_enumeration(evidence.choices, evidence.values)
    return ONE_OF_A_LIST if few else TEXT


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name.rstrip("0123456789"))]


def _names_a_date(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    return any(word in _DATE_WORDS or word.endswith("date") for word in words)


def _spoken(origins: frozenset[Origin]) -> str:
    return " and ".join(f"{origin.value}s" for origin in sorted(origins))
