"""One JSON document, parsed as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_document import Found, Where, batches, find
from finport_ingestion.engine.convert.reading.json_texts import DECODER
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks
from finport_ingestion.engine.errors import FormatError

_HEAD_BYTES = 4096


def read_document(
    raw: RawFile, *, path: str | None = None, carry: tuple[str, ...] = (), only_sample: bool = False
) -> Iterator[Batch]:
    """Every record of the document, in order; or the first, middle and last ones (`only_sample`).

    Raises:
        FormatError: It is no JSON, or the path finds no records in it.
    """
    raw.refuse_if_larger_than_memory()
    found = _records(raw, Where(path=path, carry=carry))
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


def _records(raw: RawFile, where: Where) -> Found:
    text = _text(raw)
    if not text.strip():
        if raw.may_be_empty:
            return Found(records=[])
        raise FormatError(
            f"{raw.uri}: is empty.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    return find(_parse(text, raw), where=where, raw=raw)


def _text(raw: RawFile) -> str:
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="JSON")
        encoding = find_encoding(stream, declared=None)
        content = b"".join(utf8_chunks(stream, encoding, uri=raw.uri))
    refuse_foreign(content[:_HEAD_BYTES], raw=raw, expected="JSON")
    return content.decode("utf-8", "surrogateescape")


def _parse(text: str, raw: RawFile) -> Any:
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
        hint = "the file seems to be cut: ask for it again" if cut else "ask the source for valid JSON"
        raise FormatError(
            f"{raw.uri}: {place}: not JSON: {getattr(error, 'msg', error)}.",
            offset_bytes=len(text[:at].encode("utf-8", "surrogateescape")),
            hint="if each line is an object, state 'format: ndjson'" if extra else hint,
        ) from error
