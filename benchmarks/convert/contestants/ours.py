"""Ours: `convert_file` as `finport convert` calls it, in this process."""

from __future__ import annotations

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import os  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from upath import UPath  # noqa: E402

from benchmarks.convert.inputs.layout import LAYOUT  # noqa: E402
from finport_ingestion.engine.convert.file_conversion import Wish, convert_file  # noqa: E402
from finport_ingestion.engine.convert.interface import RawFile  # noqa: E402
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput  # noqa: E402
from finport_ingestion.engine.convert.registry import FORMATS  # noqa: E402

FIXED_WIDTH = {
    "format": "fixed_width",
    "columns": [{"name": field.name, "start": field.start, "length": field.length} for field in LAYOUT],
}


def recognised(source: Path, out: Path) -> list[Path]:
    """A file whose format is found out."""
    return _converted(source, out, None)


def fixed_width(source: Path, out: Path) -> list[Path]:
    """A file whose layout is stated."""
    return _converted(source, out, FIXED_WIDTH)


def small_files(source: Path, out: Path) -> list[Path]:
    """Every file of a folder, one after the other."""
    return [part for path in sorted(source.iterdir()) for part in _converted(path, out, None)]


def _converted(source: Path, out: Path, stated: Mapping[str, Any] | None) -> list[Path]:
    options = FORMATS.get(stated["format"]).Options.model_validate(stated) if stated else None
    wish = Wish(output=ParquetOutput(), options=options, threads=os.cpu_count() or 1)
    raw = RawFile(path=UPath(source), uri=str(source), size_bytes=source.stat().st_size)
    report = convert_file(raw, out, wish=wish)
    if report.error:
        raise RuntimeError(report.error)
    return [Path(part.path) for table in report.tables for part in table.parts]


if __name__ == "__main__":
    compare(begun, {"recognised": recognised, "fixed_width": fixed_width, "small_files": small_files})
