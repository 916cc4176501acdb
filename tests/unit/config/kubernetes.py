"""Kubernetes' rules for schemas and for what it keeps of a resource, as its documentation states them.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft4Validator

Schema = dict[str, Any]

_TYPES = {"array", "boolean", "integer", "number", "object", "string"}
_FREE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
# Everything of JSONSchemaProps that a structural schema may use.
_KNOWN = {
    *("type", "description", "format", "title", "default", "example", "enum", "nullable", "pattern", "externalDocs"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required"),
    *("properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf", "not"),
    *(_FREE, _INT_OR_STRING, "x-kubernetes-embedded-resource", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    *("x-kubernetes-map-type", "x-kubernetes-validations"),
}


def structural_mistakes(schema: Schema) -> list[str]:
    """Why an API server would refuse a custom resource definition with this schema."""
    return [*_node(schema, "$"), *_metadata(schema)]


def _node(schema: Schema, path: str) -> Iterator[str]:
    yield from (f"{path}: {key} is not allowed" for key in schema.keys() - _KNOWN)
    yield from _type(schema, path)
    yield from _junctors(schema, path)
    if schema.get("uniqueItems"):
        yield f"{path}: uniqueItems"
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if flag in schema and (schema[flag] is not True or bound not in schema):
            yield f"{path}: {flag} is a flag beside {bound}"
    if "additionalProperties" in schema and ("properties" in schema or schema["additionalProperties"] is False):
        yield f"{path}: additionalProperties"
    for name, child in _children(schema):
        yield from _node(child, f"{path}.{name}")


def _type(schema: Schema, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is None and not schema.get(_FREE) and not schema.get(_INT_OR_STRING):
        yield f"{path}: no type"
    if kind is not None and (not isinstance(kind, str) or kind not in _TYPES):
        yield f"{path}: type {kind!r}"
    if kind == "array" and not isinstance(schema.get("items"), dict):
        yield f"{path}: an array without items"


def _children(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield from schema.get("properties", {}).items()
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield key, schema[key]


def _junctors(schema: Schema, path: str) -> Iterator[str]:
    for junctor in ("allOf", "anyOf", "oneOf", "not"):
        alternatives = schema.get(junctor, [])
        for each in alternatives if isinstance(alternatives, list) else [alternatives]:
            for key in ("description", "type", "default", "additionalProperties", "nullable"):
                if key in each:
                    yield f"{path}.{junctor}: {key}"
            for name in each.get("properties", {}):
                if name not in schema.get("properties", {}):
                    yield f"{path}.{junctor}: {name} is specified inside only"


def _metadata(schema: Schema) -> Iterator[str]:
    metadata = schema.get("properties", {}).get("metadata", {})
    for name in metadata.get("properties", {}).keys() - {"name", "generateName"}:
        yield f"$.metadata.{name}: only the name may be restricted"


def openapi_mistakes(document: object, schema: Schema) -> list[str]:
    """What an API server would refuse in a resource."""
    return [error.message for error in Draft4Validator(_with_nulls(schema)).iter_errors(document)]


def _with_nulls(schema: Schema) -> Schema:
    """OpenAPI's `nullable` as JSON Schema says it; its exclusive bounds are those of draft 4."""
    converted = dict(schema)
    if schema.get("nullable"):
        converted["type"] = [schema["type"], "null"]
    if "properties" in schema:
        converted["properties"] = {name: _with_nulls(child) for name, child in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            converted[key] = _with_nulls(schema[key])
    return converted


def unknown_keys(document: object, schema: Schema, path: str = "$") -> list[str]:
    """What an API server would silently drop from a resource."""
    if schema.get(_FREE):
        return []
    if isinstance(document, list):
        return [found for item in document for found in unknown_keys(item, schema.get("items", {}), path)]
    if not isinstance(document, dict):
        return []
    found = []
    for key, value in document.items():
        below = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
        if path == "$.metadata":
            continue  # Kubernetes knows its own metadata
        found += [f"{path}.{key}"] if below is None else unknown_keys(value, below, f"{path}.{key}")
    return found
