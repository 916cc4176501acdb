"""Statistics files, dBASE, NumPy, HDF5, SQLite.

Texts of dBASE, SPSS and SAS lose the blanks behind them, and arrays have no nulls: those have a file of their own.
"""

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

from tests.conformance.formats.adapters import Message, Row, Sample

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


def _dbf(*records: bytes) -> bytes:
    return dbf([("NAME", "C", 8, 0), ("AMOUNT", "N", 10, 2), ("DAY", "D", 8, 0), ("OPEN", "L", 1, 0)], records)


def _sqlite(rows: Sequence[Row]) -> bytes:
    def write(path: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE rows (id TEXT, name TEXT, amount TEXT)")
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", [tuple(row.values()) for row in rows])
        connection.close()

    return written(write, ".sqlite")


def _npz() -> bytes:
    out = io.BytesIO()
    days = np.array(["2024-02-29", "NaT", "2024-03-01"], "datetime64[D]")
    np.savez_compressed(out, day=days, rate=np.array([0.1, 0.2, 0.3]), curve=np.arange(6.0).reshape(2, 3))
    return out.getvalue()


def _hdf5() -> bytes:
    def write(path: str) -> None:
        with h5py.File(path, "w") as file:
            kind = np.dtype([("id", "<i8"), ("name", h5py.string_dtype("utf-8", 16))])
            file.create_dataset("rows/table", data=np.array([(1, b"NA"), (2, "Zürich".encode())], kind))
            file.create_dataset("rate", data=np.array([0.1, 0.2, 0.3]))

    return written(write, ".h5")


_FRAME = pd.DataFrame({"CODE": [1.0, 9.0, 2.5], "NAME": ["NA", "00123", ""]})


def _sav() -> bytes:
    labels: dict[str, Any] = {"CODE": {1: "one", 9: "refused"}}
    choices: dict[str, Any] = {"variable_value_labels": labels, "missing_ranges": {"CODE": [9]}}
    return written(lambda path: pyreadstat.write_sav(_FRAME, path, column_labels={"CODE": "answer"}, **choices), ".sav")


def _xpt() -> bytes:
    """Of version 8, with the number of its rows, which SAS writes and ReadStat does not."""
    content = written(
        lambda path: pyreadstat.write_xport(_FRAME, path, table_name="ROWS", file_format_version=8), ".xpt"
    )
    start, header, rest = content.partition(b"HEADER RECORD*******OBSV8   HEADER RECORD!!!!!!!")
    return start + header + b"%15d" % len(_FRAME) + rest[15:]


SAMPLES: dict[str, Sample | Message] = {
    "dbf": Message(
        content=_dbf(b" Zurich     1234.5020240229T", b" NA                        ?", b" 00123        -0.01        F"),
        suffix=".dbf",
        rows={"": 3},
        with_a_bad_unit=_dbf(
            b" Zurich     1234.5020240229T",
            b" broken     12x4.5020240229T",
            b" NA                        ?",
            b" 00123        -0.01        F",
        ),
        of_no_records=_dbf(),
        cut_is_refused=True,
    ),
    "hdf5": Message(content=_hdf5(), suffix=".h5", rows={"rate": 3, "rows/table": 2}, empty_is_valid=False),
    "npz": Message(
        content=_npz(), suffix=".npz", rows={"day": 3, "curve": 2}, empty_is_valid=False, cut_is_refused=True
    ),
    "sas_transport": Message(
        content=_xpt(), suffix=".xpt", rows={"ROWS": 3}, empty_is_valid=False, cut_is_refused=True
    ),
    "spss": Message(
        content=_sav(),
        suffix=".sav",
        rows={"": 3, "missing_values": 1, "value_labels": 2, "variables": 2},
        empty_is_valid=False,
        cut_is_refused=True,
    ),
    "sqlite": Sample(write=_sqlite, suffix=".sqlite", cut_is_refused=True),
    "stata": Sample(write=_study(pyreadstat.write_dta, ".dta"), suffix=".dta", cut_is_refused=True),
}
