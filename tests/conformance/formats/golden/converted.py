"""A file converted as `finport convert` does it, and what it left behind."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import FileReport
from tests.conformance.formats.golden.corpus import GoldenFile


@dataclass(frozen=True)
class OurTable:
    """One table as it was written."""

    name: str
    data: pa.Table
    quarantined: int
    set_aside: pa.Table | None  # the records that could not be read

    @property
    def rows(self) -> int:
        return int(self.data.num_rows)

    def column(self, name: str) -> list[Any]:
        """The values of a column, for Python."""
        return values_of(self.data.column(name))

    def rows_as_dicts(self) -> list[dict[str, Any]]:
        columns = [self.column(name) for name in self.data.column_names]
        return [dict(zip(self.data.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Converted:
    """What became of a file."""

    report: FileReport
    tables: Sequence[OurTable]
    files: Sequence[Path]  # whatever lies in the output folder now

    def table(self, name: str) -> OurTable:
        found = [table for table in self.tables if table.name == name]
        assert found, f"no table '{name}' among {[table.name for table in self.tables]}"
        return found[0]


def converted(file: GoldenFile, folder: Path) -> Converted:
    """Convert a file of the corpus; only what no one can see in its bytes is stated."""
    raw = RawFile(
        path=UPath(file.delivered),
        uri=file.path,
        size_bytes=file.delivered.stat().st_size,
        name=file.delivered.name,
    )
    report = convert_file(raw, folder, wish=Wish(output=ParquetOutput(), options=_stated(file)))
    tables = [
        OurTable(
            name=table.name,
            data=pa.concat_tables([_read(part.path) for part in table.parts]),
            quarantined=table.quarantined,
            set_aside=_read(table.quarantine) if table.quarantine else None,
        )
        for table in report.tables
    ]
    return Converted(report, tables, sorted(path for path in folder.rglob("*")))


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """As Python values. Nanoseconds that are whole microseconds are these: Python knows no finer ones."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        counts = column.cast(pa.int64()).to_pylist()
        if all(count is None or count % 1000 == 0 for count in counts):
            column = column.cast(pa.timestamp("us", column.type.tz))
    found: list[Any] = column.to_pylist()
    return found


def normal_name(name: str) -> str:
    """A name without regard to case and marks."""
    return re.sub(r"[\W_]", "", name.casefold())


@functools.cache
def _fixed_width() -> Any:
    return FORMATS.get("fixed_width").Options


def _stated(file: GoldenFile) -> Any:
    if file.format != "fixed-width" or not file.layout:
        return None
    return _fixed_width().model_validate({"format": "fixed_width", "columns": [dict(cut) for cut in file.layout]})


def _read(path: str) -> pa.Table:
    return pq.ParquetFile(path).read()
