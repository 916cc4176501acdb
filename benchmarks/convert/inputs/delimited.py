"""Trades as CSV: plain, compressed, repeated, and cut into many files."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import zstandard

from benchmarks.convert.inputs.kept import kept
from benchmarks.convert.inputs.trades import frames

_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3  # the defaults of the two programs
_ROWS_PER_SMALL_FILE = 170  # 20 kB


def csv(rows: int) -> Path:
    """Trades with a header, 116 bytes a row."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for number, frame in enumerate(frames(rows)):
                frame.write_csv(file, include_header=number == 0)

    return kept(f"trades-{rows}.csv", write)


def csv_gz(rows: int) -> Path:
    """The same, one gzip member."""

    def write(path: Path) -> None:
        with csv(rows).open("rb") as source, gzip.open(path, "wb", compresslevel=_GZIP_LEVEL) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    return kept(f"trades-{rows}.csv.gz", write)


def csv_zst(rows: int) -> Path:
    """The same, one zstd frame."""

    def write(path: Path) -> None:
        with csv(rows).open("rb") as source, path.open("wb") as target:
            zstandard.ZstdCompressor(level=_ZSTD_LEVEL).copy_stream(source, target)

    return kept(f"trades-{rows}.csv.zst", write)


def csv_repeated(rows: int, *, times: int) -> Path:
    """The rows of `csv` several times below one header."""

    def write(path: Path) -> None:
        with csv(rows).open("rb") as source, path.open("wb") as target:
            target.write(source.readline())
            body = source.tell()
            for _ in range(times):
                source.seek(body)
                shutil.copyfileobj(source, target, 1 << 20)

    return kept(f"trades-{rows}-times-{times}.csv", write)


def small_files(count: int) -> Path:
    """A folder of `count` CSV files of 20 kB, each with a header."""

    def write(path: Path) -> None:
        path.mkdir()
        for number, frame in enumerate(_small_frames(count)):
            frame.write_csv(path / f"trades-{number:05}.csv")

    return kept(f"trades-{count}-files", write)


def _small_frames(count: int) -> Iterator[pl.DataFrame]:
    rows = _ROWS_PER_SMALL_FILE
    waiting = pl.DataFrame()
    for frame in frames(small_rows(count)):
        waiting = pl.concat([waiting, frame]) if waiting.height else frame
        whole = waiting.height // rows
        yield from (waiting.slice(number * rows, rows) for number in range(whole))
        waiting = waiting.slice(whole * rows)


def small_rows(count: int) -> int:
    """Records in the files of `small_files`."""
    return count * _ROWS_PER_SMALL_FILE
