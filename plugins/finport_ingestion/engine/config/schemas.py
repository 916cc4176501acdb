"""The documents' form for others: JSON Schemas for editors, custom resource definitions for Kubernetes.

Both are made from the models, so that they cannot disagree with what loads.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from finport_ingestion.engine.config.examples import EXAMPLES
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.config.models.envelope import API_VERSION
from finport_ingestion.engine.config.structural import structural
from finport_ingestion.engine.config.yaml_reader import read, split
from finport_ingestion.engine.model import format_duration

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PLURALS = {
    "Source": "sources",
    "Authentication": "authentications",
    "Format": "formats",
    "Policy": "policies",
    "Workflow": "workflows",
}
_GROUP, _, _VERSION = API_VERSION.partition("/")


def write_schemas(folder: Path) -> dict[Path, dict[str, Any]]:
    """Write one JSON Schema and one custom resource definition a kind; what was written, by its path.

    `<folder>/json/<kind>.schema.json` and `<folder>/crds/<plural>.finport.io.yaml`.
    """
    written: dict[Path, dict[str, Any]] = {}
    for kind in KINDS:
        schema, definition = json_schema(kind), custom_resource_definition(kind)
        schema_path = folder / "json" / f"{kind.lower()}.schema.json"
        definition_path = folder / "crds" / f"{definition['metadata']['name']}.yaml"
        _write(schema_path, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
        _write(definition_path, yaml.dump(definition, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True))
        written |= {schema_path: schema, definition_path: definition}
    return written


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a kind of document."""
    schema = KINDS[kind].model_json_schema(by_alias=True, schema_generator=_Schema)
    example = next(read(chunk).values for chunk in split(EXAMPLES[kind]))
    described: dict[str, Any] = _untitled(schema)
    return {"$schema": DRAFT, "title": f"{kind} ({API_VERSION})", **described, "examples": [example]}


def custom_resource_definition(kind: str) -> dict[str, Any]:
    """The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind of document."""
    plural = PLURALS[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {
                    "name": _VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _resource(kind)},
                    "additionalPrinterColumns": [
                        {"name": "Owner", "type": "string", "jsonPath": ".spec.owner"},
                        {"name": "Description", "type": "string", "jsonPath": ".spec.description"},
                    ],
                }
            ],
        },
    }


class _Schema(GenerateJsonSchema):
    """Defaults as a document spells them: `24h`, not `P1D`."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _resource(kind: str) -> dict[str, Any]:
    schema = KINDS[kind].model_json_schema(by_alias=True)
    resource = structural(schema)
    properties = resource["properties"]
    # Kubernetes knows metadata itself, and lets a definition restrict the name alone.
    name = properties["metadata"]["properties"]["name"]
    properties["metadata"] = {"type": "object", "properties": {"name": name}}
    for key in ("apiVersion", "kind"):
        properties[key] = {"type": "string", "enum": properties[key]["enum"]}
    return {**resource, "required": ["spec"]}


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic derives from names: editors would show `Maxactiveruns`."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(item) for name, item in value.items()}
        if key in ("properties", "$defs")
        else _untitled(value)
        for key, value in schema.items()
        if key != "title"
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
