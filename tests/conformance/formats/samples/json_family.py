"""JSON documents and lines, YAML, MessagePack."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgpack

from tests.conformance.formats.adapters import Row, Sample, bad_line


def _document(rows: Sequence[Row]) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False).encode()


def _document_with_a_bad_record(rows: Sequence[Row]) -> bytes:
    records = [json.dumps(row) for row in rows]
    return f"[{', '.join([records[0], '42', *records[1:]])}]".encode()


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _yaml(rows: Sequence[Row]) -> bytes:
    return b"".join(map(_yaml_item, rows))


def _yaml_item(row: Row) -> bytes:
    # What JSON spells in quotes and ASCII, YAML reads the same.
    members = [f"{name}: {json.dumps(value)}" for name, value in row.items()]
    return f"- {members[0]}\n{''.join(f'  {member}' + chr(10) for member in members[1:])}".encode()


def _yaml_with_a_bad_record(rows: Sequence[Row]) -> bytes:
    return _yaml(rows[:1]) + b"- 42\n" + _yaml(rows[1:])


def _packed(rows: Sequence[Row]) -> bytes:
    return bytes(msgpack.packb(list(rows)))


def _packed_with_a_bad_record(rows: Sequence[Row]) -> bytes:
    return bytes(msgpack.packb([rows[0], 42, *rows[1:]]))


SAMPLES = {
    "json": Sample(
        write=_document,
        suffix=".json",
        with_a_bad_record=_document_with_a_bad_record,
        of_no_records=b"[]",
        cut_is_refused=True,
    ),
    "msgpack": Sample(
        write=_packed,
        suffix=".msgpack",
        with_a_bad_record=_packed_with_a_bad_record,
        of_no_records=b"\x90",
        cut_is_refused=True,
    ),
    "ndjson": Sample(
        write=_lines,
        suffix=".ndjson",
        with_a_bad_record=bad_line(_lines, b'{"id": \n', after=1),
    ),
    "yaml": Sample(
        write=_yaml,
        suffix=".yaml",
        with_a_bad_record=_yaml_with_a_bad_record,
        of_no_records=b"[]\n",
    ),
}
