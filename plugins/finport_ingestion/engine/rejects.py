"""Records set aside: one row for each, with where it came from, what is wrong and the whole record, for repair.

`record` is a JSON object of the record's fields as exact texts (numbers are strings too); where the record could not be
cut into fields it is one JSON string, the raw text. `value` is masked by the policy; `record` is not, since it is what
`finport quarantine release` puts in again: the quarantine is as confidential as the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.parquet_file import write_parquet
from finport_ingestion.engine.records import Part

Masking = Literal["none", "partial", "full"]
_STAR = "*"
_SHOWN = 2  # characters that partial masking shows
_ROWS = 10_000

REJECT_SCHEMA = pa.schema(
    [
        pa.field("part", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("column", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("record", pa.string()),
    ]
)
"""Of every quarantine file, whatever the stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One record set aside. Several findings are joined in `reason`; the first stands in column, rule and value."""

    part: str  # uri of the landed part
    row: int  # 1-based record number in it
    item: str
    stage: Literal["convert", "validate"]
    column: str  # empty where the whole record is meant
    rule: str
    value: str | None
    reason: str  # holds no value of the record
    record: str | None


def masked(value: str | None, how: Masking) -> str | None:
    """`value` as the policy lets it be shown: `partial` keeps the first and last character."""
    if value is None or how == "none":
        return value
    if how == "full" or len(value) <= _SHOWN:
        return _STAR * len(value) if how == "partial" else _STAR * 3
    return value[0] + _STAR * (len(value) - _SHOWN) + value[-1]


def record_text(fields: Mapping[str, str | None]) -> str:
    """A record's fields as the JSON object that stands in `record`."""
    return json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":"))


def raw_record_text(raw: str) -> str:
    """A record that could not be cut into fields, as it stands in `record`."""
    return json.dumps(_encodable(raw), ensure_ascii=False)


def _encodable(text: str) -> str:
    """`text` in which bytes that are no characters are written out: Arrow takes UTF-8 only."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def reject_batch(rejects: Iterable[Reject], *, mask: Masking) -> pa.RecordBatch:
    """Rejects as rows of REJECT_SCHEMA, with their values masked."""
    rows = list(rejects)
    columns = [
        [masked(reject.value, mask) if name == "value" else getattr(reject, name) for reject in rows]
        for name in REJECT_SCHEMA.names
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, REJECT_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECT_SCHEMA)


def write_rejects(path: UPath, batches: Iterable[pa.RecordBatch], *, uri: str) -> Part | None:
    """Write a quarantine file atomically; None, and no file, where there is nothing to write.

    Args:
        batches: Of REJECT_SCHEMA, from `reject_batch` or `read_rejects`.
        uri: The path's uri, for the part.
    """
    filled = (batch for batch in batches if batch.num_rows)
    first = next(filled, None)
    if first is None:
        return None
    with write_parquet(path, REJECT_SCHEMA) as sink:
        sink.write(first)
        for batch in filled:
            sink.write(batch)
    return Part(
        uri=uri,
        format="parquet",
        size_bytes=sink.size_bytes,
        sha256=sink.sha256,
        item="",
        sequence=0,
        row_count=sink.row_count,
    )


def read_rejects(path: UPath) -> Iterator[pa.RecordBatch]:
    """The rows of a quarantine file, in order."""
    with path.open("rb") as stream:
        yield from pq.ParquetFile(stream).iter_batches(batch_size=_ROWS)
