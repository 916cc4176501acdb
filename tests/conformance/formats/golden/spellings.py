"""The texts that a written column may have in the manifest: canonical, or in its source's own way of writing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from tests.conformance.formats.golden.canonical import NULL, canonical, digest
from tests.conformance.formats.golden.converted import values_of

_CLOCKS = ("", "T%H:%M:%S", " %H:%M:%S", " %-H:%M:%S")


def matches(golden: Mapping[str, Any], field: pa.Field, column: pa.ChunkedArray) -> bool:
    """Whether a column's digest, or that of its raw texts, is the golden one."""
    values = values_of(column)
    if golden.get("raw_sha256") and digest(_raw(values)) == golden["raw_sha256"]:
        return True
    wanted = {golden["values_sha256"], golden.get("raw_sha256")}
    return any(digest(texts) in wanted for texts in spellings(field, values))


def spellings(field: pa.Field, values: list[Any]) -> Iterator[list[str]]:
    """In the order of how plain they are."""
    texts = [canonical(value) for value in values]
    yield texts
    if pa.types.is_temporal(field.type):
        yield from _moments(field, values, texts)
    elif pa.types.is_floating(field.type):
        yield [canonical(_of_its_own_digits(value, field.type)) for value in values]
    elif pa.types.is_nested(field.type):
        for maps in ("pairs", "objects", "sparse"):
            yield [canonical(_shaped(value, field.type, maps)) for value in values]
    elif pa.types.is_string(field.type):
        yield from _texts(values, texts)
    elif pa.types.is_binary(field.type):
        yield [canonical(None if value is None else list(value)) for value in values]


def _raw(values: list[Any]) -> list[str]:
    """As the text fields were delivered, where they were kept as texts."""
    return ["" if value is None else value if isinstance(value, str) else canonical(value) for value in values]


def _moments(field: pa.Field, values: list[Any], texts: list[str]) -> Iterator[list[str]]:
    """Dates in the way of writing that the column states of itself; the time of day as a text has it."""
    way = (field.metadata or {}).get(b"format", b"").decode().partition(":")[2].removesuffix("+zone")
    if way:
        for clock in _CLOCKS:
            yield [NULL if value is None else value.strftime(way + clock) for value in values]
    if any(isinstance(value, datetime) for value in values):
        yield [text.removesuffix("Z") for text in texts]
        yield [text.removesuffix("Z").removesuffix("T00:00:00") for text in texts]
        yield [text.replace("T", " ") for text in texts]
        yield [text.replace("T", " ") + ("" if "." in text or text == NULL else ".0") for text in texts]
    else:
        yield [text + "T00:00:00" if len(text) == 10 else text for text in texts]


def _of_its_own_digits(value: float | None, kind: pa.DataType) -> Any:
    """A float of less than 64 bits by the fewest digits that give it back; others as they are."""
    if value is None or not np.isfinite(value):
        return value
    narrow = np.float16(value) if pa.types.is_float16(kind) else np.float32(value)
    return Decimal(np.format_float_positional(narrow, unique=True, trim="-")) if float(narrow) == value else value


def _texts(values: list[Any], texts: list[str]) -> Iterator[list[str]]:
    if any(isinstance(value, str) and value[:1] in "[{" for value in values):
        yield [canonical(_from_json(value)) for value in values]


def _from_json(text: str | None) -> Any:
    """A column that mixes texts with lists or objects holds these as JSON."""
    if text is None or text[:1] not in "[{":
        return text
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


def _shaped(value: Any, kind: pa.DataType, maps: str) -> Any:
    """A nested value with its maps as pairs or as objects; `sparse` leaves members without value out, as JSON does."""
    if value is None:
        return value
    if pa.types.is_map(kind):
        pairs = [(key, _shaped(found, kind.item_type, maps)) for key, found in value]
        if maps == "pairs":
            return [{"key": key, "value": found} for key, found in pairs]
        return {canonical(key): found for key, found in pairs}
    if pa.types.is_struct(kind):
        members = {field.name: _shaped(value[field.name], field.type, maps) for field in kind}
        return {name: found for name, found in members.items() if maps != "sparse" or found is not None}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_shaped(found, kind.value_type, maps) for found in value]
    return _of_its_own_digits(value, kind) if pa.types.is_floating(kind) else value
