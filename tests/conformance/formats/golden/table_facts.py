"""Facts about a file of tables that its values do not show: labels of a statistical file, names of data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.conformance.formats.golden.canonical import number
from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenFile


def differences(file: GoldenFile, ours: Converted) -> Iterator[str]:
    """Facts that follow from the values (sums, counts) are held by their digests."""
    facts = file.facts
    for name in ("column_labels", "variable_labels"):
        if name in facts:
            yield from _labels(facts[name], ours, "label")
    if "original_types" in facts:
        yield from _labels(facts["original_types"], ours, "format")
    if facts.get("value_labels"):
        yield from _value_labels(facts["value_labels"], ours)
    for name, dataset in (facts.get("datasets") or {}).items():
        rows = {table.name: table.rows for table in ours.tables}
        if dataset["shape"] and rows.get(name) != dataset["shape"][0]:
            yield f"data set '{name}' has {rows.get(name)} rows, not {dataset['shape'][0]}"


def _labels(wanted: Mapping[str, str | None], ours: Converted, column: str) -> Iterator[str]:
    tables = [table for table in ours.tables if table.name == "variables"]
    if not tables and column == "format":
        return  # formats are told beside labels only
    found = {row["column"]: row[column] for table in tables for row in table.rows_as_dicts()}
    for name, label in wanted.items():
        if (found.get(name) or None) != (label or None):
            yield f"the {column} of '{name}' is {found.get(name)!r}, not {label!r}"


def _value_labels(wanted: Mapping[str, Mapping[str, str]], ours: Converted) -> Iterator[str]:
    found: dict[str, dict[str, str]] = {}
    for row in ours.table("value_labels").rows_as_dicts():
        found.setdefault(row["column"], {})[row["code"]] = row["label"]
    for name, labels in wanted.items():
        if found.get(name) != {_code(code): label for code, label in labels.items()}:
            yield f"the labels of the values of '{name}' are {found.get(name)}, not {labels}"


def _code(text: str) -> Any:
    """The manifest tells codes as floats."""
    try:
        return number(float(text))
    except ValueError:
        return text
