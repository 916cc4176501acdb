"""Markdown tables of the keys that people write, out of a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

PAGES = {"protocol": "protocols.md", "format": "formats.md", "storage": "storages.md", "method": "auth-methods.md"}
"""Where the keys stand that a plug-in adds, by the key that names the plug-in."""
_ELSEWHERE = {"Settings": "settings.md"}
_DURATION = r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
_PATTERNS = {r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "letters a-z, digits and `-`"}
_TYPES = {"string": "text", "boolean": "true or false", "object": "mapping", "array": "list"}
_HEAD = ("key", "type", "default", "allowed", "what it is")


@dataclass(frozen=True, slots=True)
class Section:
    """The keys of one mapping, and where it stands in the document."""

    path: str
    description: str
    table: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a value is written; `parts` are the mappings in it, by what is added to the path."""

    type: str
    allowed: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()


def sections(models: Mapping[str, Schema], name: str, path: str = "") -> Iterator[Section]:
    """The keys of model `name`, then those of each model in it."""
    model = models[name]
    required = model.get("required", ())
    rows, parts = [], []
    for key, field in model["properties"].items():
        shape = _shape(field, models)
        default = "required" if key in required else _default(field)
        rows.append((f"`{key}`", shape.type, default, ", ".join(shape.allowed), field.get("description", "")))
        parts += [(f"{path}.{key}{suffix}".lstrip("."), part) for suffix, part in shape.parts]
    yield Section(path, model.get("description", ""), table(_HEAD, rows))
    for inner, part in parts:
        yield from sections(models, part, inner)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a column that would be empty is left out."""
    kept = [place for place in range(len(head)) if any(row[place] for row in rows)]
    lines = [[head[place] for place in kept], ["---"] * len(kept)]
    lines += [[_cell(row[place]) for place in kept] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: Schema) -> str:
    default = field.get("default")
    if "const" in field:
        return "required"
    return "" if default is None else f"`{default if isinstance(default, str) and default else json.dumps(default)}`"


def _shape(field: Schema, models: Mapping[str, Schema]) -> _Shape:
    choices = [choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return _shape(choices[0], models)
    if choices:
        return _Shape(" or ".join(dict.fromkeys(_shape(choice, models).type for choice in choices)))
    if "$ref" in field:
        return _reference(field["$ref"].rpartition("/")[2], models)
    if "discriminator" in field:
        return _choice(field["discriminator"])
    if field.get("type") == "array":
        return _list(_shape(field["items"], models))
    if isinstance(field.get("additionalProperties"), Mapping):
        return _Shape(f"mapping of names to {_shape(field['additionalProperties'], models).type}")
    kind = _type(field)
    return _Shape(kind, () if kind == "duration" else tuple(_allowed(field)))


def _reference(name: str, models: Mapping[str, Schema]) -> _Shape:
    if name in _ELSEWHERE:
        return _Shape(f"[mapping]({_ELSEWHERE[name]})")
    model = models[name]
    if "properties" in model:
        return _Shape("mapping, see below", (), (("", name),))
    return _Shape(_type(model), tuple(_allowed(model)))


def _choice(discriminator: Schema) -> _Shape:
    tag, mapping = discriminator["propertyName"], discriminator["mapping"]
    if tag in PAGES:
        return _Shape(f"[mapping, by its `{tag}`]({PAGES[tag]})")
    parts = ((f" ({tag}: {value})", reference.rpartition("/")[2]) for value, reference in mapping.items())
    return _Shape(f"mapping, by its `{tag}`, see below", (), tuple(parts))


def _list(inside: _Shape) -> _Shape:
    parts = tuple((f"[]{suffix}", part) for suffix, part in inside.parts)
    return _Shape(f"list of {inside.type}", inside.allowed, parts)


def _type(field: Schema) -> str:
    if field.get("pattern") == _DURATION:
        return "duration"
    if "const" in field:
        return "text"
    kind = str(field.get("type", "anything"))
    return _TYPES.get(kind, kind)


def _allowed(field: Schema) -> Iterator[str]:
    values = field.get("enum") or ([field["const"]] if "const" in field else [])
    yield from (f"`{value}`" for value in values)
    for key, words in (("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}")):
        if key in field:
            yield words.format(field[key])
    if field.get("type") == "string" and field.get("maxLength") == field.get("minLength") == 1:
        yield "one character"
    if pattern := field.get("pattern"):
        yield _PATTERNS.get(pattern, f"`{pattern}`")
    yield from (f"e.g. `{example}`" for example in field.get("examples", ())[:2])
