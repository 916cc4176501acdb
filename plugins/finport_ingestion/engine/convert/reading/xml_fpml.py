"""FpML documents as tables: trades with all their leaves, and the parties that they refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.xml_events import XmlEvents, local, namespace
from finport_ingestion.engine.convert.reading.xml_exact import Exact
from finport_ingestion.engine.convert.reading.xml_gather import Columns
from finport_ingestion.engine.convert.reading.xml_paths import RecordPath
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.errors import FormatError

_TRADE = RecordPath(("trade",), absolute=False)


def read_fpml(raw: RawFile, *, records: str | None) -> Iterator[Batch]:
    """The trades and parties of `raw`, or the elements at `records`.

    Raises:
        FormatError: It is no FpML, or has no trade (or no element at `records`).
        ConfigError: `records` is no path.
    """
    raw.refuse_if_larger_than_memory()
    path = RecordPath.parse(records) if records is not None else _TRADE
    root = _root(raw)
    if root is None:
        return
    name, facts = root
    count = 0
    for batch in _table(raw, path, "trades" if records is None else "records"):
        count += batch.columns.num_rows
        yield dataclasses.replace(batch, facts=facts)
        facts = {}
    if count == 0 and not raw.may_be_empty:
        raise FormatError(
            f"{raw.uri}: FpML '{name}' without any '{path}'.",
            offset_bytes=0,
            hint="state 'records', the path of what one row shall be, e.g. /valuationReport/party",
        )
    if records is None:
        yield from _table(raw, RecordPath((name, "party"), absolute=True), "parties")


def _table(raw: RawFile, path: RecordPath, table: str) -> Iterator[Batch]:
    return Exact(raw, path, Columns(table)).batches()


def _root(raw: RawFile) -> tuple[str, dict[str, str]] | None:
    """The name of the root element, and the version that it states.

    Raises:
        FormatError: It is not of FpML.
    """
    with raw.open() as stream:
        text = open_text(stream, raw=raw)
        if text is None:
            return None
        for _, element in XmlEvents(text, raw=raw):
            version = element.get("fpmlVersion") or element.get("version") or ""
            spoken = namespace(element).lower()
            if "fpml.org" not in spoken and local(element) != "FpML":
                raise FormatError(
                    f"{raw.uri}: line {element.sourceline}: no FpML: the root element '{local(element)}' is of the "
                    f"namespace '{namespace(element)}'.",
                    offset_bytes=0,
                    hint="state 'format: xml' with 'records', the path of its records",
                )
            return local(element), {"fpml": version} if version else {}
    return None
