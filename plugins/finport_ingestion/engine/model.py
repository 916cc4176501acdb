"""The base of every model that people write: frozen, no unknown keys, camelCase in YAML."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

_DURATION = re.compile(r"^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$")
_UNITS = (86_400, 3_600, 60, 1)
_TAGS = ("storage", "protocol", "format", "method")


class Spec(BaseModel):
    """A part of a document: immutable, every key known, named in camelCase."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
        use_attribute_docstrings=False,
        allow_inf_nan=False,
    )


def parse_duration(text: object) -> timedelta:
    """A duration written as `90s`, `5m`, `2h`, `1h30m` or `30d`."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.match(text) if isinstance(text, str) and text else None
    if match is None:
        raise ValueError("a duration is written like 90s, 5m, 2h, 1h30m or 30d")
    amounts = (int(amount or 0) for amount in match.groups())
    try:
        return timedelta(seconds=sum(amount * unit for amount, unit in zip(amounts, _UNITS, strict=True)))
    except OverflowError:
        raise ValueError("a duration of more than a million years") from None


def format_duration(duration: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back."""
    left = int(duration.total_seconds())
    spelled = ""
    for unit, letter in zip(_UNITS, "dhms", strict=True):
        amount, left = divmod(left, unit)
        spelled += f"{amount}{letter}" if amount else ""
    return spelled or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["5m"]}),
]


def plain(model: BaseModel) -> dict[str, Any]:
    """What the author wrote, in YAML's spelling, without defaults: the input of layering."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def deep_merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` over `below`: mappings are merged key by key, everything else is replaced.

    A block that names another plug-in than the one below it is replaced as a whole: the keys of one mean nothing to
    the other.
    """
    if any(tag in above and below.get(tag, above[tag]) != above[tag] for tag in _TAGS):
        return above
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        merged[key] = deep_merge(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged
