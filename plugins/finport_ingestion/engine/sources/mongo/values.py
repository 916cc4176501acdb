"""BSON values as cells, and as the text of a slice or a watermark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import json_util
from bson.binary import Binary, UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.sources.found.cells import Cell, JsonText, json_text

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict,
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,  # beyond the year 9999 it is a DatetimeMS
)
_EXACT = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL,
    tz_aware=True,
    tzinfo=UTC,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_BRACKETS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("a truth value", (bool,)),
    ("a number", (int, float, Decimal128)),
    ("a date", (datetime, DatetimeMS)),
    ("an ObjectId", (ObjectId,)),
    ("a text", (str,)),
)
"""What MongoDB compares with each other; a comparison leaves out, without a word, values of the other kinds."""


def cell_of(value: Any) -> Cell:
    """A BSON value as a cell: ObjectId and UUID are text, documents and lists JSON, kinds of MongoDB's own too."""
    plain = _plain(value)
    return json_text(plain) if isinstance(plain, Mapping | list) else plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, ObjectId | UUID):
        return str(value)
    if isinstance(value, Binary):
        # Legacy UUIDs come in three byte orders: which one, nobody says.
        return bytes(value)
    if value is None or type(value) in _AS_THEY_ARE:
        return value
    return int(value) if isinstance(value, Int64) else JsonText(_extended(value))


_AS_THEY_ARE = {bool, int, float, str, bytes, datetime, Decimal}


def _extended(value: Any) -> str:
    """A kind that only MongoDB has, in its own JSON: Timestamp, Regex, Code, DBRef, MinKey, a date after year 9999."""
    return json_util.dumps(value.as_doc() if isinstance(value, DBRef) else value, json_options=_EXACT)


def extended_json(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What a document states in MongoDB's Extended JSON v2, e.g. `{day: {$gte: {$date: ...}}}`."""
    found: dict[str, Any] = json_util.loads(json_util.dumps(stated), json_options=_EXACT)
    return found


def spelled(value: Any) -> str:
    """A value as text that `parsed` reads back as the same value of the same kind."""
    return json_util.dumps({"is": value}, json_options=_EXACT)


def parsed(text: str) -> Any:
    """What `spelled` wrote."""
    return json_util.loads(text, json_options=_EXACT)["is"]


def bracket_of(value: Any) -> str | None:
    """What the value is compared with, in words; None where it has no order that a watermark can use."""
    return next((words for words, kinds in _BRACKETS if isinstance(value, kinds)), None)


def mark_of(after: Watermark | None, start: str | None, sample: Any, *, what: str) -> Any:
    """Where to begin, as a value that MongoDB compares with `sample`; None for the beginning.

    Raises:
        ConfigError: Watermark or `start` is no such value.
    """
    text = after.value if after else start
    if text is None:
        return None
    try:
        return _read(text, sample)
    except (ValueError, ArithmeticError, TypeError) as error:
        raise ConfigError(
            f"{what} holds {bracket_of(sample)}, and '{text}' is none.",
            hint="correct 'start' of incremental; after a change of the field begin anew with 'finport reset'",
        ) from error


def _read(text: str, sample: Any) -> Any:
    bracket = bracket_of(sample)
    if bracket == "a date":
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if bracket == "an ObjectId":
        return ObjectId(text) if ObjectId.is_valid(text) else _raise(text)
    if bracket == "a number":
        return _number(Decimal(text), is_float=isinstance(sample, float))
    return text


def _number(value: Decimal, *, is_float: bool) -> Any:
    # A float compares exactly with the decimal of its digits only where it is one.
    if is_float:
        return float(value)
    whole = value == value.to_integral_value() and abs(value) < 1 << 63
    return Int64(int(value)) if whole else Decimal128(value)


def _raise(text: str) -> Any:
    raise ValueError(text)
