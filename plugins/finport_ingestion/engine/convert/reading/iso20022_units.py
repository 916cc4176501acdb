"""Units of ISO 20022 messages while their elements pass by: gathered, checked, then taken or set aside as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading import iso20022_payments as payments
from finport_ingestion.engine.convert.reading import iso20022_statements as statements
from finport_ingestion.engine.convert.reading.iso20022_fields import WrongField, party
from finport_ingestion.engine.convert.reading.xml_events import Element, forget, local
from finport_ingestion.engine.convert.reading.xml_nodes import Node, node_of, spelled
from finport_ingestion.engine.convert.reading.xml_tables import Tables
from finport_ingestion.engine.errors import FormatError

_STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})
_KEPT_BYTES = 8 << 20  # of a unit, for the quarantine; the fields of a larger one are freed as they are read
Values = dict[str, str | None]


def _is_child(element: Element, parent: Element) -> bool:
    return element.getparent() is parent


def _text(element: Element) -> str:
    """An element as XML for the quarantine."""
    found: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return found


@dataclass(slots=True)
class _Unit:
    """An element whose rows are taken or set aside together."""

    element: Element
    start_bytes: int
    fault: WrongField | None = None
    text: str = ""

    def fail(self, fault: WrongField, element: Element) -> None:
        if self.fault is None:
            self.fault, self.text = fault, _text(element)

    def used(self, element: Element, fed_bytes: int) -> bool:
        """Free what was read of a large unit, and say whether."""
        large = fed_bytes - self.start_bytes > _KEPT_BYTES
        if large:
            forget(element)
        return large


@dataclass(slots=True)
class StatementUnits:
    """camt.052, 053 and 054."""

    tables: Tables
    raw: RawFile
    message: Values = field(default_factory=dict)
    container: Element = None
    unit: _Unit | None = None
    cut: bool = False  # entries of the unit are freed
    statement: statements.Statement = field(default_factory=lambda: statements.Statement({}))
    number: int = 0

    def begin(self, message: str, version: str, container: Element) -> None:
        self.container, self.message = container, {"message_type": version, "message_id": None}
        self.tables.facts["message"] = version

    def start(self, element: Element, fed_bytes: int) -> None:
        if self.unit is None and local(element) in _STATEMENTS and _is_child(element, self.container):
            self.number += 1
            self.unit, self.cut = _Unit(element, fed_bytes), False
            self.statement = statements.Statement({"statement_number": str(self.number)})

    def end(self, element: Element, fed_bytes: int) -> None:
        name = local(element)
        if self.unit is not None and element is self.unit.element:
            self._finish(self.unit)
            forget(element)
            self.unit = None
        elif name == "Ntry" and self.unit is not None and _is_child(element, self.unit.element):
            try:
                self.statement.take_entry(node_of(element, raw=self.raw))
            except WrongField as fault:
                self.unit.fail(fault, element)
            self.cut = self.unit.used(element, fed_bytes) or self.cut
        elif name == "GrpHdr" and _is_child(element, self.container):
            header = node_of(element, raw=self.raw)
            self.message |= {"message_id": header.get("MsgId"), "message_created_at": header.get("CreDtTm")}
        elif element is self.container and self.number == 0 and not self.raw.may_be_empty:
            raise FormatError(
                f"{self.raw.uri}: line {element.sourceline}: {self.message['message_type']} without any statement.",
                hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
            )

    def _finish(self, unit: _Unit) -> None:
        place = f"line {unit.element.sourceline}, statement {self.number}"
        try:
            if unit.fault is not None:
                raise unit.fault
            self._take(node_of(unit.element, raw=self.raw), place)
        except WrongField as fault:
            text = unit.text if self.cut else _text(unit.element)
            reason = f"{fault} ({place}, which is set aside as a whole)"
            self.tables["statements"].reject(rule=fault.rule, reason=reason, text=text, column=fault.column)

    def _take(self, node: Node, place: str) -> None:
        header, found = statements.header(node), list(statements.balances(node))
        entries, given = self.statement.entries, self.statement
        warnings = [*given.warnings, *statements.differences(node, entries, found)]
        keys: Values = {**given.keys, "statement_id": header["statement_id"]}
        accounts = {name: header[name] for name in ("account_iban", "account_other")}
        counted = {"entry_count": str(len(entries))}
        self.tables["statements"].add({**self.message, **keys, **header, **counted})
        for row in found:
            self.tables["balances"].add({**keys, **accounts, **row})
        for row in entries:
            self.tables["entries"].add({**keys, **accounts, **row})
        for row in given.transactions:
            self.tables["transactions"].add({**keys, **row})
        self.tables.warnings += [f"{place}: {warning}" for warning in warnings]


@dataclass(slots=True)
class PaymentUnits:
    """pain.001, pain.008, pacs.003, 004, 008 and 009."""

    tables: Tables
    raw: RawFile
    message: Values = field(default_factory=dict)
    kind: str = ""
    container: Element = None
    group: Values = field(default_factory=dict)
    group_node: Node | None = None
    group_fault: tuple[WrongField, str] | None = None
    unit: _Unit | None = None
    cut: bool = False
    block: int = 0  # payment information blocks of the message so far
    rows: list[Values] = field(default_factory=list)  # of the unit
    all_rows: list[Values] = field(default_factory=list)  # amounts of the message
    rejected: bool = False

    def begin(self, message: str, version: str, container: Element) -> None:
        self.kind, self.container = message, container
        self.message = {"message_type": version, "message_id": None}
        self.tables.facts["message"] = version
        self.group, self.group_node, self.group_fault = {}, None, None
        self.block, self.rows, self.all_rows, self.rejected = 0, [], [], False
        self.unit = None if self._by_blocks else _Unit(container, 0)

    @property
    def _by_blocks(self) -> bool:
        return self.kind.startswith("pain")

    def start(self, element: Element, fed_bytes: int) -> None:
        if self._by_blocks and local(element) == "PmtInf" and _is_child(element, self.container):
            self.block += 1
            self.unit, self.rows, self.cut = _Unit(element, fed_bytes), [], False

    def end(self, element: Element, fed_bytes: int) -> None:
        name = local(element)
        if element is self.container:
            self._finish_message(element)
        elif name == "GrpHdr" and _is_child(element, self.container):
            self._take_group(element)
        elif self.unit is not None and element is self.unit.element:
            self._finish_block(self.unit)
            forget(element)
            self.unit = None
        elif name in payments.PAYMENTS and self.unit is not None and _is_child(element, self.unit.element):
            try:
                found = payments.payment(node_of(element, raw=self.raw), between_banks=not self._by_blocks)
                self.rows.append({"payment_number": str(len(self.rows) + 1), **found})
            except WrongField as fault:
                self.unit.fail(fault, element)
            self.cut = self.unit.used(element, fed_bytes) or self.cut

    def _take_group(self, element: Element) -> None:
        self.group_node = node_of(element, raw=self.raw)
        self.message |= {
            "message_id": self.group_node.get("MsgId"),
            "message_created_at": self.group_node.get("CreDtTm", "CreDt"),
        }
        try:
            self.group = payments.group(self.group_node)
        except WrongField as fault:
            self.group_fault = (fault, _text(element))

    def _finish_block(self, unit: _Unit) -> None:
        place = f"line {unit.element.sourceline}, payment information {self.block}"
        try:
            node = node_of(unit.element, raw=self.raw)
            self._take_block(node, place, unit)
        except WrongField as fault:
            self.rejected = True
            text = unit.text if self.cut else _text(unit.element)
            reason = f"{fault} ({place}, which is set aside as a whole)"
            self.tables["payment_informations"].reject(rule=fault.rule, reason=reason, text=text, column=fault.column)

    def _take_block(self, node: Node, place: str, unit: _Unit) -> None:
        if unit.fault is not None:
            raise unit.fault
        above, stated = payments.common(node), payments.stated(node)
        keys: Values = {
            "payment_information_number": str(self.block),
            "payment_information_id": above["payment_information_id"],
        }
        self.tables.warnings += [f"{place}: {found}" for found in payments.differences(stated, self.rows, what="it")]
        self._add({**above, **keys}, self.rows)
        counted = {"payment_method": above["payment_method"], "payment_count": str(len(self.rows))}
        raw = spelled(node, without=payments.PAYMENTS)
        self.tables["payment_informations"].add({**self.message, **keys, **stated, **counted, "raw": raw})

    def _add(self, above: Values, rows: list[Values]) -> None:
        initiator = party(self.group_node.first("InitgPty"), "initiating_party") if self.group_node else {}
        for row in rows:
            self.tables["payments"].add({**self.message, **initiator, **payments.over(above, row)})
        self.all_rows += [{"amount": row["amount"]} for row in rows]

    def _finish_message(self, element: Element) -> None:
        fault = self.group_fault or ((self.unit.fault, self.unit.text) if self.unit and self.unit.fault else None)
        if not self._by_blocks and fault is None and self.unit is not None:
            try:
                above = payments.common(self.group_node) if self.group_node else {}
                self._add(above, self.rows)
            except WrongField as found:
                fault = (found, "")
        if fault is not None and fault[0] is not None:
            self._reject_message(element, fault[0], fault[1])
            return
        if not self.rejected:
            what = f"message {self.message['message_id']}"
            self.tables.warnings += payments.differences(self.group, self.all_rows, what=what)
        counted = {"payment_count": str(len(self.all_rows))}
        self.tables["messages"].add({**self.message, **self.group, **counted})

    def _reject_message(self, element: Element, fault: WrongField, text: str) -> None:
        whole = "" if self._by_blocks else ", whose message is set aside as a whole"
        text = text if self.cut or self._by_blocks or not text else _text(element)
        self.tables["messages"].reject(
            rule=fault.rule, reason=f"{fault}{whole}", text=text or _text(element), column=fault.column
        )
