"""Formats with types of their own: Parquet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conformance.formats.adapters import Row, Sample


def _parquet(rows: Sequence[Row]) -> bytes:
    schema = pa.schema([(name, pa.string()) for name in rows[0]])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), out, row_group_size=100)
    return out.getvalue()


SAMPLES = {
    "parquet": Sample(write=_parquet, suffix=".parquet", cut_is_refused=True),
}
