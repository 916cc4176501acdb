"""Trades as typed files: XLSX, Avro, ORC."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import openpyxl
import polars as pl
from openpyxl.cell import WriteOnlyCell
from pyarrow import orc

from benchmarks.convert.inputs.kept import kept
from benchmarks.convert.inputs.trades import COLUMNS, frames

SHEET_COLUMNS = tuple(name for name in COLUMNS if name not in ("fee", "seq"))
_DECIMALS = {"price": 4, "amount": 2, "fee": 2}
_INTEGERS = ("trade_id", "quantity", "seq")
_DATES, _MOMENTS = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"


def typed(rows: int) -> Iterator[pl.DataFrame]:
    """The trades as integers, decimals, moments and texts."""
    columns = [
        *(pl.col(name).cast(pl.Int64) for name in _INTEGERS),
        *(pl.col(name).str.to_decimal(scale=scale).cast(pl.Decimal(18, scale)) for name, scale in _DECIMALS.items()),
        pl.col("ts").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us"),
        pl.col("trade_date").str.to_date("%Y-%m-%d"),
    ]
    for frame in frames(rows):
        yield frame.with_columns(columns)


def xlsx(rows: int) -> Path:
    """One sheet of eleven columns, as openpyxl writes it: shared strings, dates by style, seconds without fractions."""

    def write(path: Path) -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Trades")
        sheet.append(SHEET_COLUMNS)
        styles = {"ts": _MOMENTS, "trade_date": _DATES}
        for frame in typed(rows):
            for row in frame.select(pl.col("ts").dt.truncate("1s"), pl.exclude("ts")).iter_rows(named=True):
                sheet.append([_cell(sheet, row[name], styles.get(name)) for name in SHEET_COLUMNS])
        book.save(path)

    return kept(f"trades-{rows}.xlsx", write)


def _cell(sheet: Any, value: Any, style: str | None) -> Any:
    if style is None:
        return float(value) if isinstance(value, Decimal) else value
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = style
    return cell


def avro(rows: int) -> Path:
    """Deflated blocks of records whose fields may be null; money is decimal bytes, a moment timestamp-micros."""
    fields = [{"name": name, "type": ["null", _avro_type(name)]} for name in COLUMNS]
    schema = {"type": "record", "name": "trade", "fields": fields}

    def write(path: Path) -> None:
        records = (record for frame in typed(rows) for record in _in_utc(frame).iter_rows(named=True))
        with path.open("wb") as file:
            fastavro.writer(file, fastavro.parse_schema(schema), records, codec="deflate")

    return kept(f"trades-{rows}.avro", write)


def _in_utc(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("ts").dt.replace_time_zone("UTC"))


def _avro_type(name: str) -> Any:
    if name in _DECIMALS:
        return {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": _DECIMALS[name]}
    if name == "ts":
        return {"type": "long", "logicalType": "timestamp-micros"}
    if name == "trade_date":
        return {"type": "int", "logicalType": "date"}
    return "long" if name in _INTEGERS else "string"


def orc_file(rows: int) -> Path:
    """Stripes packed with zstd, as Spark writes them; typed as the trades are."""

    def write(path: Path) -> None:
        with orc.ORCWriter(str(path), compression="zstd") as writer:
            for frame in typed(rows):
                writer.write(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))

    return kept(f"trades-{rows}.orc", write)
