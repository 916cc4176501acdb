"""Statistics files, dBASE, NumPy, HDF5, SQLite. Nothing writes sas7bdat: its tests read bytes of the corpus."""

from __future__ import annotations

import io
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyreadstat

from tests.conformance.formats.adapters import Row, Sample

_DBF_FIELD = struct.Struct("<11sc4xBBB13x")


def written(write: Callable[[str], Any], suffix: str) -> bytes:
    """What `write` puts into a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write(str(path))
        return path.read_bytes()


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    columns = {name: [row[name] or "" for row in rows] for name in rows[0]}
    return pd.DataFrame(columns, dtype=object)


def _study(write: Callable[..., Any], suffix: str) -> Callable[[Sequence[Row]], bytes]:
    return lambda rows: written(lambda path: write(_frame(rows), path), suffix)


def dbf(
    fields: Sequence[tuple[str, str, int, int]], records: Sequence[bytes], *, version: int = 3, page: int = 0
) -> bytes:
    """A dBASE table of these fields (name, type, width, decimals) and records, each with its deletion mark."""
    start, size = 32 + 32 * len(fields) + 1, 1 + sum(width for _, _, width, _ in fields)
    head = struct.pack("<4BI2H17xB2x", version, 124, 2, 29, len(records), start, size, page)
    described = [_DBF_FIELD.pack(name.encode(), kind.encode(), width, d, 0) for name, kind, width, d in fields]
    return head + b"".join(described) + b"\r" + b"".join(records) + b"\x1a"


def _dbf(rows: Sequence[Row]) -> bytes:
    texts = [[(text or "").encode() for text in row.values()] for row in rows]
    widths = [max(len(row[at]) for row in texts) or 1 for at in range(len(texts[0]))]
    fields = [(name, "C", width, 0) for name, width in zip(rows[0], widths, strict=True)]
    records = [b" " + b"".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in texts]
    return dbf(fields, records)


def _sqlite(rows: Sequence[Row]) -> bytes:
    def write(path: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE rows (id TEXT, name TEXT, amount TEXT)")
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", [tuple(row.values()) for row in rows])
        connection.close()

    return written(write, ".sqlite")


def _npz(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    columns: dict[str, Any] = {name: np.array([row[name] or "" for row in rows]) for name in rows[0]}
    np.savez(out, **columns)
    return out.getvalue()


def _hdf5(rows: Sequence[Row]) -> bytes:
    kind = np.dtype([(name, h5py.string_dtype("utf-8", 64)) for name in rows[0]])

    def write(path: str) -> None:
        with h5py.File(path, "w") as file:
            records = [tuple((value or "").encode() for value in row.values()) for row in rows]
            file.create_dataset("rows", data=np.array(records, kind))

    return written(write, ".h5")


SAMPLES = {
    "dbf": Sample(write=_dbf, suffix=".dbf", cut_is_refused=True),
    "hdf5": Sample(write=_hdf5, suffix=".h5"),
    "npz": Sample(write=_npz, suffix=".npz", cut_is_refused=True),
    "sas_transport": Sample(write=_study(pyreadstat.write_xport, ".xpt"), suffix=".xpt"),
    "spss": Sample(write=_study(pyreadstat.write_sav, ".sav"), suffix=".sav", cut_is_refused=True),
    "sqlite": Sample(write=_sqlite, suffix=".sqlite", cut_is_refused=True),
    "stata": Sample(write=_study(pyreadstat.write_dta, ".dta"), suffix=".dta", cut_is_refused=True),
}
