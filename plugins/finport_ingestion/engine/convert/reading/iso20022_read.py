"""ISO 20022 messages as tables: the message is found by its container, whatever the version, prefix or envelope.

What is set aside is the smallest unit with a total of its own: a statement, a payment information block, the message of
payments between banks. A status has none: it is set aside alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.iso20022_columns import PAYMENTS, STATEMENTS, STATUSES
from finport_ingestion.engine.convert.reading.iso20022_status_units import StatusUnits
from finport_ingestion.engine.convert.reading.iso20022_units import PaymentUnits, StatementUnits
from finport_ingestion.engine.convert.reading.xml_events import Element, XmlEvents, local, namespace
from finport_ingestion.engine.convert.reading.xml_source import open_text
from finport_ingestion.engine.convert.reading.xml_tables import Tables
from finport_ingestion.engine.errors import FormatError

CONTAINERS = {
    "BkToCstmrAcctRpt": "camt.052",
    "BkToCstmrStmt": "camt.053",
    "BkToCstmrDbtCdtNtfctn": "camt.054",
    "CstmrCdtTrfInitn": "pain.001",
    "CstmrPmtStsRpt": "pain.002",
    "CstmrDrctDbtInitn": "pain.008",
    "FIToFIPmtStsRpt": "pacs.002",
    "FIToFICstmrDrctDbt": "pacs.003",
    "PmtRtr": "pacs.004",
    "FIToFICstmrCdtTrf": "pacs.008",
    "FICdtTrf": "pacs.009",
    "FinInstnCdtTrf": "pacs.009",
    "FIToFIPmtStsReq": "pacs.028",
}
_STATUS = ("pain.002", "pacs.002", "pacs.028")
_VERSIONED = re.compile(r"((?:camt|pain|pacs)\.\d{3}\.\d{3}\.\d{2}\S*?)(?:\.xsd)?$")
_OLD = re.compile(r"(?:(\w+?)V\d+|((?:camt|pain|pacs)\.\d{3})\.\d{3}\.\d{2})")
_EMPTY = "camt.053"


class _Units(Protocol):
    """What one family of messages does with its elements."""

    tables: Tables

    def begin(self, message: str, version: str, container: Element) -> None: ...

    def start(self, element: Element, fed_bytes: int) -> None: ...

    def end(self, element: Element, fed_bytes: int) -> None: ...


def read_messages(raw: RawFile) -> Iterator[Batch]:
    """The tables of the messages in `raw`, the main one first.

    Raises:
        FormatError: It is no XML, or holds no message that is known here, or messages of several kinds.
    """
    raw.refuse_if_larger_than_memory()
    with raw.open() as stream:
        text = open_text(stream, raw=raw)
        if text is None:
            yield from _units(_EMPTY, raw).tables.flush(0)
            return
        events = XmlEvents(text, raw=raw)
        units: _Units | None = None
        for kind, element in events:
            if kind == "start" and (message := message_of(element)):
                units = _next(units, message, element, raw)
                units.tables.warnings += text.warnings
                units.tables.notes += text.notes
                text.warnings, text.notes = [], []
            elif units is not None:
                (units.start if kind == "start" else units.end)(element, events.fed_bytes)
                if units.tables.full:
                    yield from units.tables.flush(events.fed_bytes)
        if units is None:
            raise _no_message(raw)
        yield from units.tables.flush(events.fed_bytes)


def message_of(element: Element) -> str | None:
    """Which message an element is the container of."""
    name = local(element)
    found = CONTAINERS.get(name)
    if found is None and (old := _OLD.fullmatch(name)):
        found = CONTAINERS.get(old.group(1) or "") or (old.group(2) if old.group(2) in CONTAINERS.values() else None)
    return found


def _next(units: _Units | None, message: str, element: Element, raw: RawFile) -> _Units:
    fresh = _units(message, raw)
    if units is None:
        units = fresh
    elif type(units) is not type(fresh):
        raise FormatError(
            f"{raw.uri}: line {element.sourceline}: {message} beside messages of another kind in one file.",
            hint="deliver statements, payments and status reports in files of their own",
        )
    version = _VERSIONED.search(namespace(element))
    units.begin(message, version.group(1) if version else message, element)
    return units


def _units(message: str, raw: RawFile) -> _Units:
    if message.startswith("camt"):
        return StatementUnits(Tables(STATEMENTS), raw=raw)
    if message in _STATUS:
        return StatusUnits(Tables(STATUSES), raw=raw)
    return PaymentUnits(Tables(PAYMENTS), raw=raw)


def _no_message(raw: RawFile) -> FormatError:
    return FormatError(
        f"{raw.uri}: XML, but none of the ISO 20022 messages that are known here ({', '.join(CONTAINERS.values())}).",
        offset_bytes=0,
        hint="state 'format: xml' with 'records', the path of its records",
    )
