"""How a test writes samples of each format. A format without an adapter fails the suite."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.convert.registry import FORMATS

Row = dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a format writes for the suite."""

    write: Callable[[Sequence[Row]], bytes]
    """A file of these records, all with the same fields."""
    suffix: str
    with_a_bad_record: Callable[[Sequence[Row]], bytes] | None = None
    """The same, with one unreadable record behind the first; None where a file is whole or refused."""
    of_no_records: bytes | None = None
    """A valid file without records; None where the format has none."""
    options: dict[str, Any] = field(default_factory=dict)
    cut_is_refused: bool = False
    """Whether a file cut anywhere is recognised as such; otherwise only its last record may be lost, to quarantine."""
    empty_text_is_null: bool = False


def _delimited(delimiter: str) -> Callable[[Sequence[Row]], bytes]:
    def write(rows: Sequence[Row]) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([[text or "" for text in row.values()] for row in rows])
        return out.getvalue().encode()

    return write


def _bad_line(write: Callable[[Sequence[Row]], bytes], line: bytes, *, after: int) -> Callable[[Sequence[Row]], bytes]:
    def written(rows: Sequence[Row]) -> bytes:
        lines = write(rows).splitlines(keepends=True)
        return b"".join([*lines[:after], line, *lines[after:]])

    return written


def _delimited_sample(delimiter: str, suffix: str) -> Sample:
    write = _delimited(delimiter)
    return Sample(
        write=write,
        suffix=suffix,
        with_a_bad_record=_bad_line(write, delimiter.join("123456789").encode() + b"\n", after=2),
        of_no_records=delimiter.join(["id", "name", "amount"]).encode() + b"\n",
        empty_text_is_null=True,
    )


def _document(rows: Sequence[Row]) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False).encode()


def _document_with_a_bad_record(rows: Sequence[Row]) -> bytes:
    records = [json.dumps(row) for row in rows]
    return f"[{', '.join([records[0], '42', *records[1:]])}]".encode()


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[Row]) -> bytes:
    schema = pa.schema([(name, pa.string()) for name in rows[0]])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), out, row_group_size=100)
    return out.getvalue()


SAMPLES: dict[str, Sample] = {
    "csv": _delimited_sample(",", ".csv"),
    "json": Sample(
        write=_document,
        suffix=".json",
        with_a_bad_record=_document_with_a_bad_record,
        of_no_records=b"[]",
        cut_is_refused=True,
    ),
    "ndjson": Sample(
        write=_lines,
        suffix=".ndjson",
        with_a_bad_record=_bad_line(_lines, b'{"id": \n', after=1),
    ),
    "parquet": Sample(write=_parquet, suffix=".parquet", cut_is_refused=True),
    "psv": _delimited_sample("|", ".psv"),
    "tsv": _delimited_sample("\t", ".tsv"),
}


def sample_of(name: str) -> Sample:
    """The samples of a format; fails where nobody wrote how to make them."""
    assert name in SAMPLES, f"format '{name}' has no samples: add them to tests/conformance/formats/adapters.py"
    assert name in FORMATS
    return SAMPLES[name]
