"""The reference corpus: a manifest of files with what independent readers found in them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(os.environ.get("FINPORT_CORPUS", Path(__file__).parents[5] / "shared" / "data"))


@dataclass(frozen=True, kw_only=True)
class GoldenTable:
    """One table as an independent reader sees it."""

    name: str
    rows: int
    columns: Sequence[Mapping[str, Any]]
    cells: Sequence[Mapping[str, Any]] = ()
    is_grid: bool = False
    layout: Sequence[Mapping[str, Any]] = ()

    @property
    def names(self) -> list[str]:
        return [str(column["name"]) for column in self.columns]

    def cell_values(self, column: str) -> dict[int, Any]:
        """The few cells that the manifest spells out, by 0-based row."""
        return {cell["row"]: cell["value"] for cell in self.cells if cell["column"] == column}


@dataclass(frozen=True, kw_only=True)
class GoldenFile:
    """One file, and what its conversion has to come to."""

    path: str
    format: str  # the manifest's name of it
    outcome: str
    bad_rows: Sequence[int]
    tables: Sequence[GoldenTable]
    facts: Mapping[str, Any] = field(default_factory=dict)
    reader: str = ""
    note: str = ""

    @property
    def delivered(self) -> Path:
        return CORPUS / "data" / self.path

    @property
    def holds_bad_rows(self) -> bool:
        """Whether the golden tables may hold the records too that are to be set aside."""
        return self.outcome == "quarantine_rows" and "good" not in self.note

    @property
    def layout(self) -> Sequence[Mapping[str, Any]]:
        return next((table.layout for table in self.tables if table.layout), ())


def corpus_files() -> list[GoldenFile]:
    """Every file of the manifest; none where there is no corpus."""
    manifest = CORPUS / "manifest.json"
    if not manifest.is_file():
        return []
    return [_file(listed) for listed in json.loads(manifest.read_text(encoding="utf-8"))["files"]]


def _file(listed: Mapping[str, Any]) -> GoldenFile:
    golden = listed.get("golden") or {}
    return GoldenFile(
        path=listed["path"],
        format=listed["format"],
        outcome=listed["expect"]["outcome"],
        bad_rows=listed["expect"].get("bad_rows") or (),
        tables=[_table(table) for table in golden.get("tables") or ()],
        facts=golden.get("facts") or {},
        reader=golden.get("reader") or "",
        note=golden.get("note") or "",
    )


def _table(listed: Mapping[str, Any]) -> GoldenTable:
    return GoldenTable(
        name=str(listed["name"]),
        rows=listed["rows"],
        columns=listed["columns"],
        cells=listed.get("cells") or (),
        is_grid=bool(listed.get("grid")),
        layout=listed.get("layout") or (),
    )
