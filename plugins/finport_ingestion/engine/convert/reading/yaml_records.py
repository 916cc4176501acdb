"""The documents of a YAML file as records: a list, an object keyed by data, one mapping, or a mapping a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.config.yaml_reader import Chunk, split
from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.json_document import Found, Where, batches, find
from finport_ingestion.engine.convert.reading.transcoding import find_encoding, utf8_chunks, visible
from finport_ingestion.engine.convert.reading.yaml_events import NotReadable, values_of
from finport_ingestion.engine.errors import FormatError

_HEAD_BYTES = 4096


@dataclass(slots=True)
class _Documents:
    """What the documents of a file hold, and which of them cannot be read."""

    values: list[tuple[str, Any]] = field(default_factory=list)
    bad: list[tuple[NotReadable, Chunk]] = field(default_factory=list)


def read_yaml(raw: RawFile, *, where: Where, only_sample: bool = False) -> Iterator[Batch]:
    """Every record of the file, in order; or the first, middle and last ones (`only_sample`).

    Raises:
        FormatError: It is no YAML, or holds no records.
    """
    raw.refuse_if_larger_than_memory()
    text = _text(raw)
    if not text.strip():
        if raw.may_be_empty:
            return
        raise FormatError(
            f"{raw.uri}: is empty.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    documents = _documents(text, raw)
    found = _found(documents, where, raw)
    rejected = _rejected(documents, len(found.records))
    yield from batches(found, raw=raw, only_sample=only_sample, rejected=rejected)


def _text(raw: RawFile) -> str:
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="YAML")
        encoding = find_encoding(stream, declared=None)
        content = b"".join(utf8_chunks(stream, encoding, uri=raw.uri))
    refuse_foreign(content[:_HEAD_BYTES], raw=raw, expected="YAML")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FormatError(
            f"{raw.uri}: line {line}, byte {error.start + encoding.bom_bytes}: bytes that are not UTF-8.",
            offset_bytes=error.start + encoding.bom_bytes,
            hint="ask for the file in UTF-8",
        ) from error


def _documents(text: str, raw: RawFile) -> _Documents:
    """Each document alone, so that one that is broken costs itself only.

    Raises:
        FormatError: None of them can be read.
    """
    documents = _Documents()
    for chunk in _chunks(text):
        try:
            for value in values_of(chunk.text, first_line=chunk.line, limits=raw.limits):
                documents.values.append((f"document on line {chunk.line}", value))
        except NotReadable as fault:
            documents.bad.append((fault, chunk))
    if documents.bad and not documents.values:
        first = documents.bad[0][0]
        raise FormatError(f"{raw.uri}: {first}.", hint="ask the source for valid, plain YAML") from first
    return documents


def _chunks(text: str) -> Iterator[Chunk]:
    """The documents of the file; directives stand with the document that they are for."""
    before = ""
    for chunk in split(text):
        lines = [line for line in chunk.text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if lines and all(line.startswith("%") for line in lines):
            before = chunk.text
            continue
        yield Chunk(before + chunk.text, chunk.line - before.count("\n")) if before else chunk
        before = ""


def _found(documents: _Documents, where: Where, raw: RawFile) -> Found:
    values = [(place, value) for place, value in documents.values if value is not None]
    if not values:
        raise FormatError(
            f"{raw.uri}: holds no values.", offset_bytes=0, hint="ask for the file again: it has only comments"
        )
    if len(documents.values) == 1 and not documents.bad:
        return find(values[0][1], where=where, raw=raw)
    if where.path is not None or all(isinstance(value, list) for _, value in values):
        parts = [find(value, where=where, raw=raw) for _, value in values]
        return Found(
            records=[record for part in parts for record in part.records],
            notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
            warnings=tuple(dict.fromkeys(warning for part in parts for warning in part.warnings)),
        )
    return Found(records=values, notes=(f"each of the {len(values)} documents is a record",))


def _rejected(documents: _Documents, count: int) -> tuple[BadRecord, ...]:
    """Documents that cannot be read, numbered behind the records that can."""
    return tuple(
        BadRecord(row=count + at, rule=fault.rule, reason=str(fault), text=visible(chunk.text.encode()))
        for at, (fault, chunk) in enumerate(documents.bad, start=1)
    )
