"""JSON values as exact texts: numbers are never made floats, and what is nested stays JSON as it was written.

The standard library's scanner does the parsing; its hooks keep the number tokens and see duplicate keys.
"""

from __future__ import annotations

import decimal
import json
from json.encoder import encode_basestring
from typing import Any

from finport_ingestion.engine.convert.interface import Origin

_MAX_DIGITS = 76
_CONTEXT = decimal.Context(prec=_MAX_DIGITS, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])


class Number(str):
    """A number's token, as written."""

    __slots__ = ()


class Constant(str):
    """NaN or Infinity: Python writes them, JSON has no such thing."""

    __slots__ = ()


class Ambiguous(dict[str, Any]):
    """An object in which a key stands twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Ambiguous(found)


DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Number, parse_constant=Constant, strict=True
)


class NotARecord(ValueError):
    """Why a value cannot be taken as a record: `rule` for a machine, the message for a person."""

    def __init__(self, rule: str, message: str, *, column: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.column = column


def texts_of(value: Any) -> dict[str, tuple[str | None, Origin | None]]:
    """A record's fields as (text, origin), None for null. A list is taken as columns by position.

    Raises:
        NotARecord: It is no object or list, or something in it means nothing for sure.
    """
    if isinstance(value, Ambiguous):
        raise NotARecord("duplicate_key", "a key stands twice in the object")
    if isinstance(value, dict):
        return {_encodable(key, ""): _field(found, key) for key, found in value.items()}
    if isinstance(value, list):
        return {f"column_{at}": _field(found, f"column_{at}") for at, found in enumerate(value, start=1)}
    raise NotARecord("not_an_object", f"{_kind(value)} where an object is expected")


def _field(value: Any, column: str) -> tuple[str | None, Origin | None]:
    if value is None:
        return None, None
    if isinstance(value, bool):
        return ("true" if value else "false"), Origin.BOOLEAN
    if isinstance(value, Constant):
        raise NotARecord("not_a_number", f"{value} is no JSON value", column=column)
    if isinstance(value, Number):
        return plain_number(value), Origin.NUMBER
    if isinstance(value, str):
        if "\0" in value:
            raise NotARecord("nul_character", "a NUL character, which no database takes as text", column=column)
        return _encodable(value, column), Origin.STRING
    return _encodable(spelled(value, column), column), Origin.NESTED


def plain_number(token: str) -> str:
    """A number's token without exponent where that can be written exactly in 76 digits; otherwise as it is."""
    if "e" not in token and "E" not in token:
        return token
    try:
        number = _CONTEXT.create_decimal(token)
    except (decimal.Inexact, decimal.InvalidOperation, decimal.Overflow):
        return token
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) + len(number.as_tuple().digits) > _MAX_DIGITS:
        return token
    return format(number, "f")


def spelled(value: Any, column: str = "") -> str:
    """`value` as compact JSON, with the number tokens as they were written.

    Raises:
        NotARecord: A key stands twice, or there is a NaN.
    """
    if isinstance(value, Ambiguous):
        raise NotARecord("duplicate_key", "a key stands twice in an object", column=column)
    if isinstance(value, dict):
        members = (f"{encode_basestring(key)}:{spelled(found, column)}" for key, found in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spelled(found, column) for found in value) + "]"
    if isinstance(value, Constant):
        raise NotARecord("not_a_number", f"{value} is no JSON value", column=column)
    if isinstance(value, Number):
        return str(value)
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _encodable(text: str, column: str) -> str:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise NotARecord("encoding", "half of a surrogate pair, or bytes that are not of the encoding", column=column)
    return text


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, (Number, Constant)):
        return "a number"
    return "true or false" if isinstance(value, bool) else "a string"
