"""What the models say of a value, in words for the person who wrote the document.

The messages show a value only where it is one of a closed list: it may be a secret anywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from finport_ingestion.engine.config.mistakes import KeyPath, dotted, nearest, suggestion
from finport_ingestion.engine.config.shape import Spot, fields_of, spot
from finport_ingestion.engine.config.yaml_reader import Chunk, Positions
from finport_ingestion.engine.config.yaml_syntax import Place

Finding = tuple[KeyPath, Place, str]
"""Which key, where to look, and what is wrong."""

_QUOTED = re.compile(r"'([^']*)'")
_SHOWN_LENGTH = 40
_BOUNDS = {
    "greater_than": ("gt", "must be greater than {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "too_short": ("min_length", "must have at least {} in the list"),
    "too_long": ("max_length", "must have at most {} in the list"),
    "string_too_short": ("min_length", "must be at least {} long, in characters"),
    "string_too_long": ("max_length", "must be at most {} long, in characters"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}
_NUMBERS = ("decimal", "float", "finite")
_WHOLE = ("int",)
_MAPPINGS = ("dict", "mapping", "model")
_LISTS = ("tuple", "list")
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def findings(error: ValidationError, model: type[BaseModel], positions: Positions) -> list[Finding]:
    """Every mistake of one document; a key that is missing because it is misspelt is told once."""
    told: list[Finding] = []
    misspelt: set[KeyPath] = set()
    details = error.errors(include_url=False)
    for detail in sorted(details, key=lambda each: each["type"] == "missing"):
        place = spot(model, detail["loc"])
        if detail["type"] == "extra_forbidden":
            meant = nearest(str(place.path[-1]), _known(place))
            misspelt.add((*place.path[:-1], meant or ""))
        if detail["type"] != "missing" or place.path not in misspelt:
            told.append(_finding(detail, place, positions))
    return told


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """All mistakes in one line, for values that stand in no document."""
    found = findings(error, model, Positions(Chunk("", 1)))
    return "; ".join(f"{dotted(path)}: {message}" if path else message for path, _, message in found)


def _finding(detail: ErrorDetails, place: Spot, positions: Positions) -> Finding:
    path, kind = place.path, detail["type"]
    if kind == "missing":
        field = place.field
        meaning = f": {field.description}" if field is not None and field.description else ""
        return path, positions.key(path[:-1]), f"missing key{meaning}"
    if kind == "extra_forbidden":
        return path, positions.key(path), f"unknown key; {suggestion(str(path[-1]), _known(place))}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _plugin(detail, path, positions)
    return path, positions.value(path), _message(detail)


def _known(place: Spot) -> Collection[str]:
    return fields_of(place.parent) if place.parent is not None else ()


def _plugin(detail: ErrorDetails, path: KeyPath, positions: Positions) -> Finding:
    context = detail.get("ctx", {})
    tag_key = str(context["discriminator"]).strip("'")
    path = (*path, tag_key)
    if detail["type"] == "union_tag_not_found":
        return path, positions.key(path[:-1]), f"missing key: it says which {tag_key}"
    known = _QUOTED.findall(context["expected_tags"])
    name = str(context["tag"])
    return path, positions.value(path), f"unknown {tag_key} {_shown(name)}; {suggestion(name, known)}"


def _message(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind in ("literal_error", "enum"):
        return _choice(detail, value)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = detail["ctx"][key]
        return words.format(f"{bound:g}" if isinstance(bound, float) else bound)
    expected = _EXPECTED.get(kind.partition("_")[0])
    if expected is None:
        return detail["msg"][:1].lower() + detail["msg"][1:]
    return expected(value)


def _choice(detail: ErrorDetails, value: Any) -> str:
    known = _QUOTED.findall(detail["ctx"]["expected"])
    allowed = f"must be {known[0]}" if len(known) == 1 else f"must be one of {', '.join(known)}"
    if not isinstance(value, str):
        quoted = f": '{value}'" if str(value) in known else ""
        return f"{allowed}; put it in quotes{quoted}" if _is_scalar(value) else allowed
    near = nearest(value, known)
    return f"{allowed}, not {_shown(value)}" + (f"; did you mean '{near}'?" if near and len(known) > 1 else "")


def _text(value: Any) -> str:
    if _is_scalar(value):
        return f"must be text, and is {_kind(value)}; put it in quotes"
    return f"must be text, and is {_kind(value)}"


def _truth(value: Any) -> str:
    meant = _TRUTHS.get(value.casefold()) if isinstance(value, str) else None
    return f"must be true or false, and is {_kind(value)}" + (f"; write {meant}" if meant else "")


def _listing(value: Any) -> str:
    fix = "; put it in brackets: [...]" if isinstance(value, str) else ""
    return f"must be a list, and is {_kind(value)}{fix}"


def _number(value: Any) -> str:
    return f"must be a number, and is {_kind(value)}{_unquote(value)}"


def _whole(value: Any) -> str:
    return f"must be a whole number, and is {_kind(value)}{_unquote(value)}"


def _unquote(value: Any) -> str:
    return "; write it without quotes" if isinstance(value, str) and value[:1].isdigit() else ""


def _mapping(value: Any) -> str:
    return f"must be a mapping of keys to values, and is {_kind(value)}"


_EXPECTED: dict[str, Callable[[Any], str]] = {
    "string": _text,
    "bool": _truth,
    **dict.fromkeys(_LISTS, _listing),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_MAPPINGS, _mapping),
}


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _kind(value: Any) -> str:
    """What a value is, without showing it."""
    if value is None:
        return "empty"
    names = ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "text"), (list, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "a mapping")


def _shown(name: str) -> str:
    return f"'{name}'" if len(name) <= _SHOWN_LENGTH else f"'{name[:_SHOWN_LENGTH]}…'"
