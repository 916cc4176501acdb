"""Formats with types of their own: Arrow, Avro, ORC, Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

from tests.conformance.formats.adapters import Row, Sample


def _table(rows: Sequence[Row]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in rows[0]])
    return pa.Table.from_pylist(list(rows), schema=schema)


def _parquet(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    pq.write_table(_table(rows), out, row_group_size=100)
    return out.getvalue()


def _orc(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    orc.write_table(_table(rows), out, compression="zlib")
    return out.getvalue()


def _arrow_file(rows: Sequence[Row]) -> bytes:
    table, out = _table(rows), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return out.getvalue()


def _arrow_stream(rows: Sequence[Row]) -> bytes:
    table, out = _table(rows), io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return out.getvalue()


def _avro(rows: Sequence[Row]) -> bytes:
    fields = [{"name": name, "type": ["null", "string"]} for name in rows[0]]
    schema = fastavro.parse_schema({"type": "record", "name": "Row", "fields": fields})
    out = io.BytesIO()
    fastavro.writer(out, schema, list(rows), codec="deflate", sync_interval=4_000)
    return out.getvalue()


def _of_no_records(write: Callable[[Sequence[Row]], bytes]) -> bytes:
    return write(_Nothing([{"id": None, "name": None}]))


class _Nothing(list[Row]):
    """Records that have names and are none."""

    def __iter__(self) -> Iterator[Row]:
        return iter(())


SAMPLES = {
    "arrow": Sample(write=_arrow_file, suffix=".arrow", of_no_records=_of_no_records(_arrow_file), cut_is_refused=True),
    "arrow_stream": Sample(write=_arrow_stream, suffix=".arrows", of_no_records=_of_no_records(_arrow_stream)),
    "avro": Sample(write=_avro, suffix=".avro", of_no_records=_of_no_records(_avro)),
    "orc": Sample(write=_orc, suffix=".orc", of_no_records=_of_no_records(_orc), cut_is_refused=True),
    "parquet": Sample(write=_parquet, suffix=".parquet", of_no_records=_of_no_records(_parquet), cut_is_refused=True),
}
