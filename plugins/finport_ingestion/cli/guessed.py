"""The document that `finport guess` writes."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import yaml
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.report import FileReport, TableReport
from finport_ingestion.engine.errors import ConfigError, FormatError
from finport_ingestion.engine.logical import parse_logical

_MOST_NAME = 60


def document_of(file: Path, *, table: str | None) -> str:
    """A Format document for files like `file`, as YAML.

    Raises:
        FormatError: The file is of no known format, or not readable.
        ConfigError: It has no table of that name.
    """
    raw = RawFile(path=UPath(file), uri=str(file), size_bytes=file.stat().st_size, name=file.name)
    with tempfile.TemporaryDirectory(prefix="finport-") as folder:
        report = convert_file(raw, Path(folder), wish=Wish(output=ParquetOutput()))
    if report.error is not None:
        raise FormatError(report.error)
    chosen = _table(report, table)
    document = {
        "apiVersion": "finport.io/v1",
        "kind": "Format",
        "metadata": {"name": _name(file)},
        "spec": {
            "description": f"As delivered in {file.name}.",
            "owner": "data-platform",
            "convert": _convert(report, chosen),
            "contract": {"columns": [_column(column.name, column.type) for column in chosen.columns]},
        },
    }
    told = [f"# {sentence}\n" for sentence in (*report.warnings, *report.notes)]
    labels = [f"# column '{column.name}': {column.label}\n" for column in chosen.columns if column.label]
    return "".join(told + labels) + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _convert(report: FileReport, table: TableReport) -> dict[str, Any]:
    found: dict[str, Any] = {"format": report.format}
    if report.encoding and report.encoding != "utf-8" and report.format in ("csv", "tsv", "psv"):
        found["encoding"] = report.encoding
    if len(report.tables) > 1:
        found["table"] = table.name
    return found


def _column(name: str, kind: str) -> dict[str, str]:
    try:
        parse_logical(kind)
    except ValueError:
        kind = "json"  # a nested column: a contract agrees on it as JSON
    return {"name": name, "type": kind}


def _table(report: FileReport, wanted: str | None) -> TableReport:
    if wanted is None and report.tables:
        return max(report.tables, key=lambda table: table.rows)
    found = [table for table in report.tables if table.name == wanted]
    if not found:
        names = ", ".join(table.name for table in report.tables)
        raise ConfigError(f"{report.path}: no table '{wanted}'.", hint=f"name one of {names}")
    return found[0]


def _name(file: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", file.name.partition(".")[0].lower()).strip("-")
    return plain[:_MOST_NAME].strip("-") or "format"
