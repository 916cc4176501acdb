"""Polars: its own reader of each format, streamed into Parquet where it can."""

from __future__ import annotations

from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now

begun = now()

import polars as pl  # noqa: E402

from benchmarks.convert.inputs.layout import LAYOUT, Field  # noqa: E402

_NO_SEPARATOR = "\x1f"
_TYPES = {
    "trade_id": pl.Int64(),
    "quantity": pl.Int64(),
    "seq": pl.Int64(),
    "price": pl.Decimal(18, 4),
    "amount": pl.Decimal(18, 2),
    "fee": pl.Decimal(18, 2),
}
_MOMENTS = {"ts": "%Y-%m-%d %H:%M:%S%.6f", "trade_date": "%Y-%m-%d"}


def csv(source: Path, out: Path) -> list[Path]:
    """Inferred types, dates and times too."""
    return _sink(pl.scan_csv(source, try_parse_dates=True), out)


def fixed_width(source: Path, out: Path) -> list[Path]:
    """Lines cut by position, and cast to the types that ours finds out."""
    lines = pl.scan_csv(source, has_header=False, separator=_NO_SEPARATOR, quote_char=None, new_columns=["line"])
    return _sink(lines.select(_cut(field) for field in LAYOUT), out)


def xlsx(source: Path, out: Path) -> list[Path]:
    """By calamine, its default and fastest engine."""
    return _write(pl.read_excel(source, engine="calamine"), out)


def avro(source: Path, out: Path) -> list[Path]:
    """It has no lazy reader of Avro."""
    return _write(pl.read_avro(source), out)


def _cut(field: Field) -> pl.Expr:
    text = pl.col("line").str.slice(field.start, field.length).str.strip_chars(" ")
    if field.name == "ts":
        return text.str.to_datetime(_MOMENTS["ts"], time_unit="us").alias(field.name)
    if field.name == "trade_date":
        return text.str.to_date(_MOMENTS["trade_date"]).alias(field.name)
    return text.cast(_TYPES.get(field.name, pl.String())).alias(field.name)


def _sink(frame: pl.LazyFrame, out: Path) -> list[Path]:
    target = out / "trades.parquet"
    frame.sink_parquet(target, compression="zstd", compression_level=3)
    return [target]


def _write(frame: pl.DataFrame, out: Path) -> list[Path]:
    target = out / "trades.parquet"
    frame.write_parquet(target, compression="zstd", compression_level=3)
    return [target]


if __name__ == "__main__":
    compare(begun, {"csv": csv, "fixed_width": fixed_width, "xlsx": xlsx, "avro": avro})
