"""JSON Schemas and Kubernetes definitions agree with what loads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator, Draft202012Validator

from finport_ingestion.engine.config.examples import EXAMPLES
from finport_ingestion.engine.config.loader import Document, load_documents, parse
from finport_ingestion.engine.config.models.documents import KINDS
from finport_ingestion.engine.config.schemas import (
    PLURALS,
    custom_resource_definition,
    json_schema,
    write_schemas,
)
from finport_ingestion.engine.config.structural import structural
from tests.unit.config.kubernetes import openapi_mistakes, structural_mistakes, unknown_keys
from tests.unit.config.project import source

SHIPPED = load_documents(Path(__file__).parents[3])
kinds = pytest.mark.parametrize("kind", KINDS)


def _resource_schema(kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = custom_resource_definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _shipped() -> Iterator[Any]:
    return (pytest.param(document, id=f"{document.kind}-{document.name}") for document in SHIPPED)


@kinds
def test_a_schema_is_valid_json_schema_with_a_description_of_every_key(kind: str) -> None:
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    models = schema["$defs"]
    for model in (schema, *models.values()):
        for name, field in model.get("properties", {}).items():
            meant = models[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            assert "const" in field or field.get("description") or meant.get("description"), name
            assert "_" not in name


@kinds
def test_the_example_of_a_schema_loads_and_is_valid(kind: str) -> None:
    (document,) = parse(EXAMPLES[kind].encode(), path="example.yaml", kind=kind)
    assert document.mistakes == ()
    schema = json_schema(kind)
    assert schema["examples"] == [document.values]
    Draft202012Validator(schema).validate(document.values)
    assert openapi_mistakes(document.values, _resource_schema(kind)) == []


@kinds
def test_a_default_in_a_schema_is_valid_by_it(kind: str) -> None:
    schema = json_schema(kind)
    for model in schema["$defs"].values():
        for name, field in model.get("properties", {}).items():
            if "default" in field:
                validator = Draft202012Validator({**field, "$defs": schema["$defs"]})
                assert validator.is_valid(field["default"]), f"{name}: {field['default']!r}"


@pytest.mark.parametrize("document", _shipped())
def test_every_shipped_document_is_valid_by_both_schemas(document: Document) -> None:
    assert document.mistakes == ()
    Draft202012Validator(json_schema(document.kind)).validate(document.values)
    resource = _resource_schema(document.kind)
    assert openapi_mistakes(document.values, resource) == []
    assert unknown_keys(document.values, resource) == []


@pytest.mark.parametrize(
    "spec",
    [
        "frequency: dayly",
        "enabled: no",
        "enabled: 'true'",
        "convert: {format: cvs}",
        "overrides: {quality: {minRows: '3'}}",
        "overrides: {quality: {minScore: 101}}",
        "overrides: {limits: {maxItems: 0}}",
        "overrides: {security: {minTls: 1.3}}",
        "overrides: {retry: {delay: soon}}",
        "contract: {columns: [{name: a}]}",
        "provides: [A_b]",
        "dependsOn: prices",
        "unknown: 1",
        "depends_on: []",
    ],
)
def test_what_does_not_load_is_refused_by_an_editor_too(spec: str) -> None:
    (document,) = parse(source("a", spec).encode(), path="a.yaml", kind="Source")
    assert document.mistakes
    assert not Draft202012Validator(json_schema("Source")).is_valid(document.values)
    resource = _resource_schema("Source")
    assert openapi_mistakes(document.values, resource) or unknown_keys(document.values, resource)


@kinds
def test_a_definition_is_a_structural_schema(kind: str) -> None:
    assert structural_mistakes(_resource_schema(kind)) == []


@kinds
def test_a_definition_names_itself_as_kubernetes_asks(kind: str) -> None:
    definition = custom_resource_definition(kind)
    names = definition["spec"]["names"]
    assert definition["apiVersion"] == "apiextensions.k8s.io/v1"
    assert definition["metadata"]["name"] == f"{names['plural']}.{definition['spec']['group']}"
    assert (names["kind"], names["singular"]) == (kind, kind.lower())
    (version,) = definition["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1", True, True)


@kinds
def test_only_what_may_be_anything_is_free_in_a_definition(kind: str) -> None:
    free = {path.rpartition(".")[2] for path in _free(_resource_schema(kind), kind)}
    allowed = {
        "arguments",
        "minimum",
        "maximum",
        "query",
        "header",
        "sheet",
        "items",
        "filter",
        "body",
        "lookback",
        "authenticate",
    }
    assert free <= allowed | {"claims"}


def _free(schema: dict[str, Any], path: str) -> Iterator[str]:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        yield path
    for name, child in schema.get("properties", {}).items():
        yield from _free(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _free(schema[key], f"{path}.{key}")


def test_the_shapes_of_a_choice_stand_side_by_side() -> None:
    block = _resource_schema("Source")["properties"]["spec"]["properties"]["source"]
    assert block["required"] == ["protocol"]
    assert set(block["properties"]["protocol"]["enum"]) >= {"file", "http", "sql"}
    assert {"pattern", "pagination", "table"} <= set(block["properties"])
    assert block["properties"]["path"]["nullable"] is True  # one of the protocols allows it


def test_exclusive_bounds_are_flags_and_absent_values_are_nullable() -> None:
    schema = {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "exclusiveMinimum": 0},
            "note": {"anyOf": [{"$ref": "#/$defs/Note"}, {"type": "null"}], "default": None},
        },
        "$defs": {"Note": {"type": "string", "description": "A note."}},
    }
    assert structural(schema)["properties"] == {
        "count": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        "note": {"type": "string", "description": "A note.", "nullable": True},
    }


def test_the_files_are_written_where_documents_and_clusters_look_for_them(tmp_path: Path) -> None:
    written = write_schemas(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == [
        *sorted(f"crds/{plural}.finport.io.yaml" for plural in PLURALS.values()),
        *sorted(f"json/{kind.lower()}.schema.json" for kind in KINDS),
    ]
    for path, content in written.items():
        text = path.read_text(encoding="utf-8")
        assert (json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)) == content


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in write_schemas(tmp_path)}
    assert {path: path.read_bytes() for path in write_schemas(tmp_path)} == first


def test_the_check_of_structural_schemas_finds_what_kubernetes_refuses() -> None:
    refused: list[dict[str, Any]] = [
        {},
        {"type": "object", "properties": {"a": {}}},
        {"type": "array"},
        {"type": "object", "properties": {"a": {"$ref": "#/x"}}},
        {"type": ["string", "null"]},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
        {"type": "integer", "exclusiveMinimum": 0},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"type": "object", "oneOf": [{"properties": {"a": {"type": "string"}}}]},
        {
            "type": "object",
            "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}},
        },
    ]
    assert all(structural_mistakes(schema) for schema in refused)
    Draft4Validator.check_schema({"minimum": 0, "exclusiveMinimum": True})
