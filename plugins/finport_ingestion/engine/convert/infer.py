"""Which type a column of texts has: the decision about the evidence of all its values, and of the name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from finport_ingestion.engine.convert import enumerations, identifiers, moments
from finport_ingestion.engine.convert.decorated import Convention
from finport_ingestion.engine.convert.evidence import (
    BOOLEAN,
    DECIMAL,
    DECORATED,
    DIGITS,
    ENUMERATION,
    INTEGER,
    Evidence,
)
from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.convert.nested import type_of
from finport_ingestion.engine.logical import LogicalType

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
