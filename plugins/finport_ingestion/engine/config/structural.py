"""JSON Schema to the structural schemas of Kubernetes.

Kubernetes allows neither references nor alternatives of types: definitions are written out, and where a document
chooses between several shapes, the keys of all of them stand side by side and the key that chooses lists what may be
chosen.
Defaults are left out: the API server would write them into the documents, and a default would look like something that
the author said, above the layers below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

FREE: Schema = {"x-kubernetes-preserve-unknown-fields": True}
"""A value of any type."""

_KEPT = (
    "type",
    "description",
    "format",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "required",
)


def structural(schema: Schema) -> Schema:
    """The structural schema of what `schema` (with its `$defs`) describes.

    Every key stays; a rule that Kubernetes cannot express goes.
    """
    return _convert(schema, schema.get("$defs", {}))


def _convert(schema: Schema, definitions: Schema) -> Schema:
    schema = _resolve(schema, definitions)
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if alternatives:
        return _choice(schema, alternatives, definitions)
    if "type" not in schema and "const" not in schema and "enum" not in schema:
        return _described(FREE, schema)
    converted = {key: schema[key] for key in _KEPT if key in schema}
    _bounds(schema, converted)
    if "const" in schema:
        converted |= {"type": "string", "enum": [schema["const"]]}
    if converted["type"] == "array":
        converted["items"] = _convert(schema.get("items", {}), definitions)
    if converted["type"] == "object":
        converted |= _object(schema, definitions)
    return converted


def _object(schema: Schema, definitions: Schema) -> Schema:
    if "properties" in schema:
        return {"properties": {name: _convert(item, definitions) for name, item in schema["properties"].items()}}
    values = schema.get("additionalProperties", True)
    if isinstance(values, dict) and _convert(values, definitions) != FREE:
        return {"additionalProperties": _convert(values, definitions)}
    return FREE


def _bounds(schema: Schema, converted: Schema) -> None:
    """Kubernetes follows OpenAPI 3.0, where an exclusive bound is a flag beside the bound."""
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if flag in schema:
            converted |= {bound: schema[flag], flag: True}


def _choice(schema: Schema, alternatives: Sequence[Schema], definitions: Schema) -> Schema:
    resolved = [_resolve(alternative, definitions) for alternative in alternatives]
    shapes = [_convert(each, definitions) for each in resolved if each.get("type") != "null"]
    nullable: Schema = {"nullable": True} if len(shapes) < len(resolved) else {}
    if len({shape.get("type") for shape in shapes}) > 1:
        # A value of several types, such as a number that may be written as text.
        return _described(FREE, schema)
    merged = shapes[0] if len(shapes) == 1 else _merge(shapes)
    return _described({**merged, **nullable}, schema)


def _merge(shapes: Sequence[Schema]) -> Schema:
    """The keys of all shapes; only those that all of them need are required."""
    properties: Schema = {}
    for shape in shapes:
        for name, item in shape.get("properties", {}).items():
            properties[name] = _both(properties[name], item) if name in properties else item
    required = [name for name in shapes[0].get("required", ()) if all(name in s.get("required", ()) for s in shapes)]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _both(one: Schema, other: Schema) -> Schema:
    """A key that two shapes share, by what both of them allow."""
    if one.get("type") != other.get("type"):
        return _described(FREE, one)
    common = {key: value for key, value in one.items() if other.get(key) == value}
    common |= {key: one[key] for key in ("type", "description", "items") if key in one}
    if "items" in one and one["items"] != other.get("items"):
        common["items"] = dict(FREE)  # a list of texts at one, of mappings at the other
    if one.get("nullable") or other.get("nullable"):
        common["nullable"] = True
    if "enum" in one and "enum" in other:
        common["enum"] = list(dict.fromkeys([*one["enum"], *other["enum"]]))
    if "properties" in one and "properties" in other:
        common |= _merge([one, other])
    return common


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    """What a reference stands for, with what is said beside it above it."""
    while "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _described(converted: Schema, schema: Schema) -> Schema:
    description = schema.get("description")
    return {**converted, "description": description} if description else dict(converted)
