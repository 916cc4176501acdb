"""One JSON document, parsed as a whole; its records are found by a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_records import BatchMaker
from finport_ingestion.engine.convert.reading.json_texts import DECODER, Ambiguous
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks
from finport_ingestion.engine.errors import ConfigError, FormatError

_ROWS = 50_000
_SAMPLE_ROWS = 10_000
_HEAD_BYTES = 4096


def read_document(raw: RawFile, *, path: str | None) -> Iterator[Batch]:
    """Every record of the document, in order.

    Raises:
        FormatError: It is no JSON, or the path finds no records in it.
    """
    yield from _batches(_records(raw, path), size_bytes=raw.size_bytes)


def sample_document(raw: RawFile, *, path: str | None, size_bytes: int) -> Iterator[Batch]:
    """The first, middle and last records; the document is parsed whole."""
    records = _records(raw, path)
    third = _SAMPLE_ROWS // 3
    if len(records) > _SAMPLE_ROWS:
        middle = len(records) // 2
        records = [*records[:third], *records[middle : middle + third], *records[-third:]]
    yield from _batches(records, size_bytes=min(size_bytes, raw.size_bytes))


def _batches(records: Sequence[Any], *, size_bytes: int) -> Iterator[Batch]:
    maker = BatchMaker()
    for start in range(0, max(len(records), 1), _ROWS):
        chunk = records[start : start + _ROWS]
        for row, value in enumerate(chunk, start=start + 1):
            maker.add(value, row=row, place=f"record {row}")
        yield maker.batch(size_bytes=size_bytes * len(chunk) // max(len(records), 1))


def _records(raw: RawFile, path: str | None) -> Sequence[Any]:
    text = _text(raw)
    if not text.strip():
        if raw.may_be_empty:
            return []
        raise FormatError(
            f"{raw.uri}: is empty.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    document = _parse(text, raw)
    if path and isinstance(document, Ambiguous):
        raise FormatError(f"{raw.uri}: a key stands twice in the document's object.", hint="ask for the file again")
    found = _search(document, path, raw) if path else document
    if isinstance(found, dict):
        return [found]
    if isinstance(found, list):
        # A list of plain values would be a table of one column that nobody named.
        return found
    where = f"'{path}' holds" if path else "the document is"
    raise FormatError(f"{raw.uri}: {where} neither an object nor a list.", hint="state the path in 'records'")


def _text(raw: RawFile) -> str:
    with raw.path.open("rb") as stream:
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


def _search(document: Any, path: str, raw: RawFile) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        found = jmespath.search(path, document)
    except JMESPathError as error:
        raise ConfigError(f"records: '{path}' is no JMESPath: {error}", hint="see https://jmespath.org") from error
    if found is None:
        keys = ", ".join(list(document)[:10]) if isinstance(document, dict) else f"a list of {len(document)}"
        raise FormatError(f"{raw.uri}: '{path}' finds nothing; there is {keys}.", hint="state the path in 'records'")
    return found
