"""Records of XML as batches: the vectorised way as far as it is proved right, the exact way from there on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.xml_detect import detect
from finport_ingestion.engine.convert.reading.xml_exact import Exact
from finport_ingestion.engine.convert.reading.xml_fast import Fast
from finport_ingestion.engine.convert.reading.xml_gather import Columns
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.convert.reading.xml_tokens import Unproved
from finport_ingestion.engine.errors import FormatError


def read_xml(raw: RawFile, *, records: str | None) -> Iterator[Batch]:
    """Every record of `raw`, in order.

    Raises:
        FormatError: It is no well-formed XML, or has no record at the path.
        ConfigError: `records` is no path.
    """
    path = RecordPath.parse(records) if records is not None else None
    told = _told(raw)
    if told is None:
        return
    warnings: tuple[str, ...] = ()
    if path is None:
        detected = detect(raw)
        path, warnings = detected.path, detected.warnings
        told += detected.notes
    count = 0
    if path is not None:
        for batch in _batches(raw, path):
            if batch.columns.num_rows:
                count += batch.columns.num_rows
                yield _saying(batch, told, warnings)
                told, warnings = [], ()
    if count == 0 and not raw.may_be_empty:
        where = f"at '{path}'" if path else "in it"
        raise FormatError(
            f"{raw.uri}: no record {where}.",
            offset_bytes=0,
            hint="state the right 'records', or set quality.minRows to 0 where an empty delivery is right",
        )


def _saying(batch: Batch, notes: Sequence[str], warnings: Sequence[str]) -> Batch:
    if not notes and not warnings:
        return batch
    return dataclasses.replace(batch, notes=(*batch.notes, *notes), warnings=(*batch.warnings, *warnings))


def sample_xml(raw: RawFile, *, records: str | None, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning of `raw`: XML can be read from there only."""
    size = 0
    for batch in read_xml(raw, records=records):
        yield batch
        size += batch.size_bytes
        if size >= 3 * size_bytes:
            return


def _told(raw: RawFile) -> list[str] | None:
    """What the prolog gives to say; None where the file is empty and may be."""
    with raw.open() as stream:
        text = open_text(stream, raw=raw)
        return None if text is None else [*text.notes, *text.warnings]


def _batches(raw: RawFile, path: RecordPath) -> Iterator[Batch]:
    """The vectorised way, and the exact one from the first place on that the other cannot prove."""
    columns = Columns()
    fast = Fast.of(raw, path, columns)
    try:
        yield from fast.batches()
    except Unproved:
        yield from Exact(raw, path, columns, skip=columns.row, size_bytes=fast.size_bytes).batches()
