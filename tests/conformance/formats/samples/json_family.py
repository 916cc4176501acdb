"""JSON documents and lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.conformance.formats.adapters import Row, Sample, bad_line


def _document(rows: Sequence[Row]) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False).encode()


def _document_with_a_bad_record(rows: Sequence[Row]) -> bytes:
    records = [json.dumps(row) for row in rows]
    return f"[{', '.join([records[0], '42', *records[1:]])}]".encode()


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


SAMPLES = {
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
        with_a_bad_record=bad_line(_lines, b'{"id": \n', after=1),
    ),
}
