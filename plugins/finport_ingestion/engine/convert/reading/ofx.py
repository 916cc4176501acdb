"""OFX files statement by statement.

A statement with an amount or a date that cannot be read is set aside as a whole, as one of MT940 or camt is: what would
be left of it does not lead to its balance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.message_tables import MessageTables, nothing_in
from finport_ingestion.engine.convert.reading.ofx_header import OfxText, ofx_text
from finport_ingestion.engine.convert.reading.ofx_markup import Element, units
from finport_ingestion.engine.convert.reading.ofx_statement import Statement
from finport_ingestion.engine.convert.reading.ofx_tables import SCHEMA, SECURITY, Fields, fields_of
from finport_ingestion.engine.convert.reading.transcoding import visible
from finport_ingestion.engine.errors import FormatError

_STATEMENTS = {"STMTRS": "bank", "CCSTMTRS": "credit card", "INVSTMTRS": "investment", "LOANSTMTRS": "loan"}
_WANTED = frozenset([*_STATEMENTS, "SONRS", "STATUS", "SECLIST"])
_SURROGATE = re.compile("[\udc80-\udcff]")
_REASONS = 5


def read_ofx(raw: RawFile, *, encoding: str | None = None) -> Iterator[Batch]:
    """Every statement of `raw`.

    Raises:
        FormatError: It is empty, no OFX, or larger than the limit.
    """
    tables = MessageTables(SCHEMA, "transactions")
    found = ofx_text(raw, declared=encoding)
    if found is None:
        yield from nothing_in(raw, tables)
        return
    tables.facts |= {"encoding": found.encoding, "version": found.version}
    tables.warnings.extend(found.warnings)
    tables.taken_bytes = raw.size_bytes
    reading = _Reading(raw, found, tables)
    for unit in units(found.text, _WANTED, raw=raw, begin=found.begin):
        reading.take(unit)
        if tables.full:
            yield from tables.batches()
    reading.finish()
    yield from tables.batches(final=True)


@dataclass(slots=True)
class _Reading:
    raw: RawFile
    source: OfxText
    tables: MessageTables
    institution: Fields = field(default_factory=dict)
    statements: int = 0
    others: int = 0

    def take(self, unit: Element) -> None:
        if unit.tag in _STATEMENTS:
            self._statement(unit)
        elif unit.tag == "SECLIST":
            self._securities(unit)
        elif unit.tag == "SONRS":
            self.others += 1
            bank = unit.find("FI")
            self.institution = {tag.lower(): _clean(bank.value(tag)) for tag in ("ORG", "FID")} if bank else {}
        elif (unit.value("SEVERITY") or "").upper() == "ERROR":
            self.others += 1
            code = _clean(unit.value("CODE")) or "without code"
            self.tables.warn(f"{self._place(unit)}: the server answers with error {code}.")
        else:
            self.others += 1
        if unit.faults and unit.tag not in _STATEMENTS:
            self._reject(unit, list(unit.faults), rule="markup")

    def finish(self) -> None:
        """Say so where nothing was found, or where the file ends too early.

        Raises:
            FormatError: It has nothing of OFX but its tag.
        """
        if not self.statements and not self.others and not self.tables.units:
            raise FormatError(
                f"{self.raw.uri}: holds no statement, no sign-on and no securities of OFX.",
                hint="ask for the file again: it may be cut, or be a request instead of a response",
            )
        if not self.statements:
            self.tables.warn("the file holds no statement.")
        if "</OFX>" not in self.source.text[-4096:].upper():
            self.tables.warn("the file does not end with </OFX>: it may be cut behind the last statement.")

    def _place(self, element: Element) -> str:
        return f"line {self.source.text.count(chr(10), 0, element.start) + 1}, <{element.tag}>"

    def _reject(self, unit: Element, faults: list[str], *, rule: str, table: str = "") -> None:
        content = self.source.text[unit.start : unit.end].encode("utf-8", "surrogateescape")
        more = f" (and {len(faults) - _REASONS} more)" if len(faults) > _REASONS else ""
        reason = f"{self._place(unit)}: {'; '.join(faults[:_REASONS])}{more}"
        self.tables.reject(rule=rule, reason=reason, text=visible(content), table=table)

    def _statement(self, unit: Element) -> None:
        self.statements += 1
        statement = Statement(unit, number=self.statements, kind=_STATEMENTS[unit.tag], place=self._place)
        records = statement.records(self.institution)
        for said in (*(f"{self._place(unit)}: {doubt}." for doubt in unit.doubts), *statement.warnings):
            self.tables.warn(said)
        faults = [*unit.faults, *statement.faults]
        if _SURROGATE.search(self.source.text, unit.start, unit.end):
            faults.append(f"bytes that are not {self.source.encoding}")
        if faults:
            cut = any(fault.startswith("the file ends") for fault in unit.faults)
            self._reject(unit, faults, rule="cut" if cut else "markup" if unit.faults else "bad_value")
            return
        self.tables.add_unit(records)

    def _securities(self, unit: Element) -> None:
        for security in unit.children:
            faults: list[str] = list(security.faults)
            fields = fields_of(security.leaves(), SECURITY, faults)
            if _SURROGATE.search(self.source.text, security.start, security.end):
                faults.append(f"bytes that are not {self.source.encoding}")
            if faults:
                self._reject(security, faults, rule="bad_value", table="securities")
            else:
                self.tables.add_unit([("securities", {**fields, "security_kind": security.tag})])


def _clean(text: str | None) -> str | None:
    """Bytes that are not of the encoding written as \\xNN, in what belongs to no statement."""
    return None if text is None else visible(text.encode("utf-8", "surrogateescape"))
