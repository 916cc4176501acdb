"""Conversions on trial: the same file read in several ways, to see which way gives the same values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.convert.columns import WRITTEN
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import FileReport, TableReport
from finport_ingestion.engine.errors import ConfigError, FormatError


@dataclass(slots=True)
class Trials:
    """Converts one file again and again into a folder of the caller's."""

    raw: RawFile
    folder: Path
    count: int = 0

    def converted(
        self, options: Mapping[str, Any] | None = None, columns: Sequence[Mapping[str, str]] = ()
    ) -> FileReport:
        """What becomes of the file with these options and this contract.

        Raises:
            FormatError: It is refused.
        """
        self.count += 1
        contract = {"columns": list(columns), "mode": "discardValue" if columns else "evolve"}
        wish = Wish(output=ParquetOutput(), contract=Contract.model_validate(contract))
        if options is not None:
            wish = dataclasses.replace(wish, options=FORMATS.get(options["format"]).Options.model_validate(options))
        report = convert_file(self.raw, self.folder / str(self.count), wish=wish)
        if report.error is not None:
            raise FormatError(report.error)
        return report


def table_of(report: FileReport, wanted: str | None) -> TableReport:
    """The table of that name; the one with the most rows where none is named.

    Raises:
        ConfigError: There is none.
    """
    if wanted is None and report.tables:
        return max(report.tables, key=lambda table: table.rows)
    found = [table for table in report.tables if table.name == wanted]
    if not found:
        names = ", ".join(table.name for table in report.tables)
        raise ConfigError(f"{report.path}: no table '{wanted}'.", hint=f"name one of {names}")
    return found[0]


def values_of(table: TableReport, name: str) -> pa.ChunkedArray:
    """A column as it was written."""
    chunks = [pq.read_table(part.path, columns=[name], partitioning=None).column(0) for part in table.parts]
    return pa.chunked_array([chunk for column in chunks for chunk in column.chunks], type=chunks[0].type)


def written_as(table: TableReport, name: str) -> str | None:
    """How its values were written in the file that they come from, where it is told."""
    metadata = pq.read_schema(table.parts[0].path).field(name).metadata or {}
    return metadata[WRITTEN].decode() if WRITTEN in metadata else None


def unlike(one: TableReport, other: TableReport) -> list[str]:
    """The columns of `one` that `other` does not have, or has with another type or other values."""
    types = {column.name: column.type for column in other.columns}
    return [
        column.name
        for column in one.columns
        if types.get(column.name) != column.type
        or not _equal(values_of(one, column.name), values_of(other, column.name))
    ]


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(one.type) and one.null_count == other.null_count:
        # Not a number is not equal to itself.
        one, other = (pc.if_else(pc.is_nan(values), None, values) for values in (one, other))
    return bool(one.equals(other))
