"""One JSON document, parsed as a whole; objects on lines of their own where the first one hid the line's end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_document import Found, Where, batches, find
from finport_ingestion.engine.convert.reading.json_list import WINDOW_BYTES, read_list
from finport_ingestion.engine.convert.reading.json_stream import read_lines
from finport_ingestion.engine.convert.reading.json_texts import DECODER
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks
from finport_ingestion.engine.errors import FormatError

_HEAD_BYTES = 4096
_RECOGNISED_BYTES = 64 << 10  # what the recognition of formats sees of a file
_LARGE_BYTES = 64 << 10
_SAMPLED_BATCHES = 3
_SAMPLED_ROWS = 3_333


class _ObjectALineError(Exception):
    """Not one document but an object a line, the first one too long for the recognition to see its end."""


def read_document(
    raw: RawFile, *, path: str | None = None, carry: tuple[str, ...] = (), only_sample: bool = False
) -> Iterator[Batch]:
    """Every record of the document, in order; or the first, middle and last ones (`only_sample`).

    Raises:
        FormatError: It is no JSON, or the path finds no records in it.
    """
    raw.refuse_if_larger_than_memory()
    content = _content(raw)
    listed = read_list(content) if path is None and not carry and _is_worth_it(content, raw) else None
    if listed:
        yield from _ends_and_middle(listed) if only_sample else listed
        return
    try:
        found = _records(content, Where(path=path, carry=carry), raw)
    except _ObjectALineError:
        yield from _lines(raw, only_sample=only_sample)
        return
    unreadable = None
    good = 0
    for batch in batches(found, raw=raw, only_sample=only_sample):
        good += batch.columns.num_rows
        unreadable = unreadable or next((bad for bad in batch.bad if bad.rule == "not_a_number"), None)
        if not good and unreadable and len(found.records) <= len(batch.bad):
            raise FormatError(
                f"{raw.uri}: not JSON: {unreadable.reason}.", hint="ask the source for valid JSON, without NaN"
            )
        yield batch


def _lines(raw: RawFile, *, only_sample: bool) -> Iterator[Batch]:
    note = f"{raw.uri} is read as JSON lines, an object a line; state 'format: ndjson' to have it so for certain"
    notes: tuple[str, ...] = (note,)
    for batch in islice(read_lines(raw), _SAMPLED_BATCHES if only_sample else None):
        yield dataclasses.replace(batch, notes=(*batch.notes, *notes))
        notes = ()


def _is_worth_it(content: bytes, raw: RawFile) -> bool:
    # Fields of one window are within the limit.
    return len(content) >= _LARGE_BYTES and raw.limits.field_bytes >= WINDOW_BYTES


def _ends_and_middle(listed: Sequence[Batch]) -> Iterator[Batch]:
    for at in sorted({0, len(listed) // 2, len(listed) - 1}):
        few = slice(-_SAMPLED_ROWS, None) if at and at == len(listed) - 1 else slice(_SAMPLED_ROWS)
        yield dataclasses.replace(listed[at], columns=listed[at].columns[few], rows=listed[at].rows[few])


def _records(content: bytes, where: Where, raw: RawFile) -> Found:
    text = content.decode("utf-8", "surrogateescape")
    if not text.strip():
        if raw.may_be_empty:
            return Found(records=[])
        raise FormatError(
            f"{raw.uri}: is empty.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    return find(_parse(text, raw, may_be_lines=where.path is None), where=where, raw=raw)


def _content(raw: RawFile) -> bytes:
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="JSON")
        encoding = find_encoding(stream, declared=None)
        content = b"".join(utf8_chunks(stream, encoding, uri=raw.uri))
    refuse_foreign(content[:_HEAD_BYTES], raw=raw, expected="JSON")
    return content


def _parse(text: str, raw: RawFile, *, may_be_lines: bool) -> Any:
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise FormatError(
            f"{raw.uri}: nested too deep to be read.", hint="ask the source for a flatter form"
        ) from error
    except ValueError as error:
        at = int(getattr(error, "pos", 0))
        place = f"line {getattr(error, 'lineno', 1)}, column {getattr(error, 'colno', 1)}"
        cut = at >= len(text.rstrip()) or "Unterminated string" in str(error)
        extra = "Extra data" in str(error)
        if extra and may_be_lines and _is_object_a_line(text, at):
            raise _ObjectALineError from error
        hint = "the file seems to be cut: ask for it again" if cut else "ask the source for valid JSON"
        raise FormatError(
            f"{raw.uri}: {place}: not JSON: {getattr(error, 'msg', error)}.",
            offset_bytes=len(text[:at].encode("utf-8", "surrogateescape")),
            hint="if each line is an object, state 'format: ndjson'" if extra else hint,
        ) from error


def _is_object_a_line(text: str, at: int) -> bool:
    """Whether `text` begins with an object, and another one begins on the line `at` which it ends before."""
    first, second = text[:at], text[at : at + 1]
    return at > _RECOGNISED_BYTES and second == "{" and first.lstrip()[:1] == "{" and first.endswith(("\n", "\r"))
