"""Rows as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def write_rows(rows: pa.Table, file: IO[bytes], *, form: str) -> None:
    """Write rows to an open file: `csv` with a header, `json` as a list of objects, `parquet` with zstd.

    Decimals keep every digit: in JSON they are texts, since programs read numbers as floats.
    """
    if form == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(rows, file, compression="zstd")
    elif form == "json":
        text = json.dumps(rows.to_pylist(), indent=2, default=_encode, ensure_ascii=False)
        file.write(f"{text}\n".encode())
    else:
        import pyarrow.csv

        pyarrow.csv.write_csv(_flat(rows), file)


def _flat(rows: pa.Table) -> pa.Table:
    """Lists and structures as JSON texts: CSV has no cells for them."""
    import pyarrow as pa

    for index, field in enumerate(rows.schema):
        if pa.types.is_nested(field.type):
            texts = [
                None if value is None else json.dumps(value, default=_encode)
                for value in rows.column(index).to_pylist()
            ]
            rows = rows.set_column(index, field.name, pa.array(texts, pa.string()))
    return rows


def _encode(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"no JSON for {type(value).__name__}")
