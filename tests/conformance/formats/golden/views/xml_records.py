"""XML by records, FpML: a golden column is a path below the record element; ours is typed, with points for slashes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.conformance.formats.golden.converted import Converted
from tests.conformance.formats.golden.corpus import GoldenTable
from tests.conformance.formats.golden.views import View


class XmlView(View):
    def columns(self, golden: GoldenTable, ours: Converted) -> Mapping[str, Sequence[Any]]:
        table = ours.tables[0]
        named = {name: table.column(name) for name in table.data.column_names}
        columns = {name: named.get(name.replace("/", ".")) for name in golden.names}
        return {name: [_lists(value) for value in values] for name, values in columns.items() if values is not None}

    def delivered(self, golden: GoldenTable, path: Path) -> Mapping[str, Sequence[Any]]:
        root = ElementTree.parse(path).getroot()  # the corpus' own files of good form
        records = [dict(_leaves(element)) for element in root.iter() if _local(element.tag) == golden.name]
        return {name: [record.get(name) for record in records] for name in golden.names}

    def facts(self, wanted: Mapping[str, Any], ours: Converted) -> Iterator[tuple[str, Any, Any]]:
        # The element is said in a note, or it is the format's own.
        element = wanted["record_element"]
        notes = " ".join(ours.report.notes)
        yield "record_element", True, f"/{element}" in notes or ours.report.format == "fpml"
        yield "root", True, f"/{wanted['root']}/" in notes or ours.report.format == "fpml"


def _lists(value: Any) -> Any:
    """A column that mixes texts with lists holds these as JSON."""
    return json.loads(value) if isinstance(value, str) and value.startswith("[") and value.endswith("]") else value


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _leaves(record: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    """Path and text of every element without children and of every attribute; what repeats is a list."""
    found: dict[str, list[str | None]] = {}

    def walk(element: ElementTree.Element, path: str) -> None:
        for name, text in element.attrib.items():
            found.setdefault(f"{path}/@{_local(name)}".lstrip("/"), []).append(text)
        if not len(element) and path:
            found.setdefault(path, []).append(element.text)
        for child in element:
            walk(child, f"{path}/{_local(child.tag)}".lstrip("/"))

    walk(record, "")
    for path, texts in found.items():
        yield path, texts[0] if len(texts) == 1 else texts
