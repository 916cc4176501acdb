"""JSON values as exact texts: numbers are never made floats, and what is nested stays JSON as it was written.

The standard library's scanner does the parsing; its hooks keep the number tokens and see duplicate keys.
"""

from __future__ import annotations

import decimal
import json
import re
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any

from finport_ingestion.engine.convert.interface import Origin
from finport_ingestion.engine.limits import ReadLimits

_LIMITS = ReadLimits()
_STRING, _NUMBER = Origin.STRING, Origin.NUMBER  # an attribute of an enumeration takes time
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DIGITS = 76
DUPLICATE_KEY = "duplicate_key"
_CONTEXT = decimal.Context(prec=_MAX_DIGITS, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])


class Number(str):
    """A number's token, as written."""

    __slots__ = ()


class Constant(str):
    """NaN or Infinity: Python writes them, JSON has no such thing."""

    __slots__ = ()


class Ambiguous(dict[str, Any]):
    """An object in which a key stands twice; `pairs` has all its members."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = tuple(pairs)


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of these members; Ambiguous where a key stands twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Ambiguous(pairs)


DECODER = json.JSONDecoder(
    object_pairs_hook=object_of, parse_float=Number, parse_int=Number, parse_constant=Constant, strict=True
)


class NotARecord(ValueError):
    """Why a value cannot be taken as a record: `rule` for a machine, the message for a person."""

    def __init__(self, rule: str, message: str, *, column: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.column = column


def texts_of(value: Any, limits: ReadLimits = _LIMITS) -> dict[str, tuple[str | None, Origin | None]]:
    """A record's fields as (text, origin), None for null. A list is taken as columns by position.

    Raises:
        NotARecord: It is no object or list, or something in it means nothing for sure.
    """
    if isinstance(value, Ambiguous):
        raise NotARecord(DUPLICATE_KEY, f"the key '{_twice(value)}' stands twice in the object")
    if isinstance(value, dict):
        most = limits.field_bytes
        # What comes most often is told without a call: this is the inner loop of the exact way.
        return {
            _sound(key, ""): (found, _STRING)
            if type(found) is str and found.isascii() and "\0" not in found and len(found) <= most
            else _field(found, key, limits)
            for key, found in value.items()
        }
    if isinstance(value, list):
        return {f"column_{at}": _field(found, f"column_{at}", limits) for at, found in enumerate(value, start=1)}
    raise NotARecord("not_an_object", f"{_kind(value)} where an object is expected")


def _field(value: Any, column: str, limits: ReadLimits) -> tuple[str | None, Origin | None]:
    # The types are asked for in the order of how often they come.
    kind = type(value)
    if kind is Number:
        text, origin = plain_number(value), _NUMBER
    elif kind is str:
        text, origin = _sound(value, column), _STRING
    elif value is None:
        return None, None
    elif kind is bool:
        return ("true" if value else "false"), Origin.BOOLEAN
    elif kind is Constant:
        raise NotARecord("not_a_number", f"{value} is no JSON value", column=column)
    else:
        text, origin = spelled(value, column, nesting=limits.nesting), Origin.NESTED
    if len(text) > limits.field_bytes:
        raise NotARecord("field_size", f"a field of more than {limits.field_bytes} bytes", column=column)
    return text, origin


def plain_number(token: str) -> str:
    """A number's token without exponent where that can be written exactly in 76 digits; otherwise as it is."""
    if "e" not in token and "E" not in token:
        return str(token)
    try:
        number = _CONTEXT.create_decimal(token)
    except (decimal.Inexact, decimal.InvalidOperation, decimal.Overflow):
        return token
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) + len(number.as_tuple().digits) > _MAX_DIGITS:
        return token
    return format(number, "f")


def spelled(value: Any, column: str = "", *, nesting: int = _LIMITS.nesting) -> str:
    """`value` as compact JSON, with the number tokens as they were written.

    Raises:
        NotARecord: A key stands twice, it is nested more than `nesting` deep, or there is a NaN or half a character.
    """
    kind = type(value)
    if kind is Number:
        return str(value)
    if kind is str:
        return encode_basestring(_sound(value, column))
    if kind is Constant:
        raise NotARecord("not_a_number", f"{value} is no JSON value", column=column)
    if not isinstance(value, (dict, list)):
        return json.dumps(value)
    if nesting <= 0:
        raise NotARecord("nesting", "lists and objects nested too deep", column=column)
    if isinstance(value, list):
        return "[" + ",".join([spelled(found, column, nesting=nesting - 1) for found in value]) + "]"
    if isinstance(value, Ambiguous):
        raise NotARecord(DUPLICATE_KEY, f"the key '{_twice(value)}' stands twice in an object", column=column)
    members = [
        f"{encode_basestring(_sound(key, column))}:{spelled(found, column, nesting=nesting - 1)}"
        for key, found in value.items()
    ]
    return "{" + ",".join(members) + "}"


def as_delivered(value: Any) -> str:
    """`value` as JSON for the quarantine, whatever is wrong with it."""
    if isinstance(value, (Number, Constant)):
        return str(value)
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, Ambiguous) else value.items()
        return "{" + ", ".join(f"{json.dumps(key)}: {as_delivered(found)}" for key, found in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_delivered(found) for found in value) + "]"
    return json.dumps(value, default=str)


def _sound(text: str, column: str) -> str:
    if "\0" in text:
        raise NotARecord("nul_character", "a NUL character, which no database takes as text", column=column)
    if not text.isascii() and _SURROGATE.search(text):
        raise NotARecord("encoding", "half of a surrogate pair, or bytes that are not of the encoding", column=column)
    return text


def _twice(value: Ambiguous) -> str:
    seen: set[str] = set()
    return next((key for key, _ in value.pairs if key in seen or seen.add(key)), "")  # type: ignore[func-returns-value]


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (Number, Constant)):
        return "a number"
    return "true or false" if isinstance(value, bool) else "a string"
