"""Whether what was written is what the source holds: counted, summed, compared and hashed by DuckDB."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

from benchmarks.convert.inputs.trades import COLUMNS, FIRST_ID

_EXACT = "decimal(38,4)"
_ALIKE = 1e-9
_ATTRIBUTE = "@"  # ours marks what was an attribute of XML


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The first trades of a CSV file, every value as the text that stands there."""

    source: Path
    rows: int
    columns: Sequence[str] = COLUMNS
    replaced: str = ""
    """SQL for `* replace (...)`: where the format holds less than the text does."""
    added: str = ""
    """SQL for columns that the CSV has not."""

    def check(self, name: str, files: Sequence[Path], whole: bool) -> None:
        """Compare what `name` wrote.

        Args:
            whole: Every column, and the order of the rows; otherwise their number only.

        Raises:
            RuntimeError: They differ.
        """
        count = sum(pq.read_metadata(path).num_rows for path in files)
        if count != self.rows:
            raise RuntimeError(f"{name} wrote {count} rows of {self.rows}")
        if whole:
            self._compare(name, files)

    def _compare(self, name: str, files: Sequence[Path]) -> None:
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            self._check_columns(name, connection, [str(path) for path in files])
        self._check_order(name, files)

    def _check_columns(self, name: str, connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
        described = connection.execute(f"describe from read_parquet({files})").fetchall()
        names = [row[0].lstrip(_ATTRIBUTE) for row in described]
        if names != list(self.columns):
            raise RuntimeError(f"{name} wrote the columns {names}, not {list(self.columns)}")
        types = {column: row[1] for column, row in zip(names, described, strict=True)}
        written = f"read_parquet({files}) as written({', '.join(names)})"
        wanted = self._summary(connection, self._texts(), types)
        found = self._summary(connection, written, types)
        for label, right, here in zip(_labels(types), wanted, found, strict=True):
            if not _equal(right, here, label):
                raise RuntimeError(f"{name} wrote another {label}: {here} instead of {right}")

    def _texts(self) -> str:
        replaced = f" replace ({self.replaced})" if self.replaced else ""
        added = f", {self.added}" if self.added else ""
        rows = f"from read_csv('{self.source}', all_varchar=true) limit {self.rows}"
        return f"(select *{replaced}{added} from ({rows}))"

    def _summary(self, connection: duckdb.DuckDBPyConnection, relation: str, types: dict[str, str]) -> list[Any]:
        parts = itertools.chain.from_iterable(_parts(name, kind) for name, kind in types.items())
        row = connection.execute(f"select {', '.join(parts)} from {relation}").fetchone()
        if row is None:
            raise AssertionError("an aggregate without a row")
        return list(row)

    def _check_order(self, name: str, files: Sequence[Path]) -> None:
        done = 0
        for path in files:
            file = pq.ParquetFile(path)
            ids = file.read(columns=file.schema_arrow.names[:1]).column(0).cast("int64").to_numpy()
            if not np.array_equal(ids, np.arange(done, done + len(ids)) + FIRST_ID):
                raise RuntimeError(f"{name} wrote other trades than those from row {done} on: the order is lost")
            done += len(ids)


_MEASURES = ("count of values", "sum", "least value", "greatest value")


def _labels(types: dict[str, str]) -> Iterator[str]:
    return (f"{measure} of {name} ({kind})" for name, kind in types.items() for measure in _MEASURES)


def _parts(name: str, kind: str) -> Iterator[str]:
    value = f"{name}::{kind}"
    yield f"count({name})"
    if kind == "VARCHAR":
        yield f"sum(hash({name})::hugeint)"
    elif kind.startswith(("TIMESTAMP", "DATE")):
        yield f"sum(epoch_us({value}))"
    else:
        yield f"sum({value})" if kind == "DOUBLE" else f"sum({value}::{_EXACT})"
    yield f"min({value})::varchar"
    yield f"max({value})::varchar"


def _equal(right: Any, here: Any, label: str) -> bool:
    if "(DOUBLE)" in label:
        return abs(float(right) - float(here)) <= _ALIKE * abs(float(right))
    return bool(right == here)
