"""Status reports of ISO 20022 while their elements pass by: each status is taken or set aside alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading import iso20022_statuses as statuses
from finport_ingestion.engine.convert.reading.iso20022_fields import WrongField
from finport_ingestion.engine.convert.reading.iso20022_payments import over
from finport_ingestion.engine.convert.reading.xml_events import Element, forget, local
from finport_ingestion.engine.convert.reading.xml_nodes import Node, node_of
from finport_ingestion.engine.convert.reading.xml_tables import Tables

Values = dict[str, str | None]


def _text(element: Element) -> str:
    """An element as XML for the quarantine."""
    found: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return found


@dataclass(slots=True)
class StatusUnits:
    """pain.002, pacs.002 and pacs.028."""

    tables: Tables
    raw: RawFile
    message: Values = field(default_factory=dict)
    container: Element = None
    group: Values = field(default_factory=dict)
    created: str | None = None
    block: list[tuple[Element, Values]] = field(default_factory=list)
    count: int = 0

    def begin(self, message: str, version: str, container: Element) -> None:
        self.container, self.message = container, {"message_type": version, "message_id": None}
        self.tables.facts["message"] = version
        self.group, self.created, self.block, self.count = {}, None, [], 0

    def start(self, element: Element, fed_bytes: int) -> None:
        """A status needs nothing but its end."""

    def end(self, element: Element, fed_bytes: int) -> None:
        name, parent = local(element), element.getparent()
        if element is self.container:
            self._finish()
        elif parent is self.container and name == "GrpHdr":
            node = node_of(element, raw=self.raw)
            self.created = node.get("CreDtTm")
            self.message |= {"message_id": node.get("MsgId"), "message_created_at": self.created}
        elif parent is self.container and name in ("OrgnlGrpInfAndSts", "OrgnlGrpInf"):
            self._take_group(element)
        elif parent is self.container and name == "OrgnlPmtInfAndSts":
            self._take_block(element)
            forget(element)
        elif parent is self.container and name in statuses.STATUSES:
            self._take(element, {})
            forget(element)

    def _take_group(self, element: Element) -> None:
        holder = Node("", "", element.sourceline, kids=[node_of(element, raw=self.raw)])
        try:
            self.group = statuses.original_group(holder)
        except WrongField as fault:
            self.tables["messages"].reject(rule=fault.rule, reason=str(fault), text=_text(element), column=fault.column)

    def _take_block(self, element: Element) -> None:
        node = node_of(element, raw=self.raw)
        block = statuses.payment_information(node)
        self._add(block)
        keys = {name: block[name] for name in ("original_payment_information_id", "payment_information_status")}
        for child in element:
            if local(child) in statuses.STATUSES:
                self._take(child, keys)

    def _take(self, element: Element, keys: Values) -> None:
        try:
            self._add({**keys, **statuses.transaction(node_of(element, raw=self.raw))})
        except WrongField as fault:
            self.tables["statuses"].reject(rule=fault.rule, reason=str(fault), text=_text(element), column=fault.column)

    def _add(self, row: Values) -> None:
        self.count += 1
        names = ("original_message_id", "original_message_name", "group_status")
        above = {name: self.group.get(name) for name in names}
        self.tables["statuses"].add(over({**self.message, **above}, row))

    def _finish(self) -> None:
        counted = {"created_at": self.created, "status_count": str(self.count)}
        if self.count == 0 and self.group:
            # A report that speaks of the whole message only must not be a table of nothing.
            reasons = {name: self.group[name] for name in ("status_reason", "status_info", "raw")}
            self._add({"level": "group", "status": self.group["group_status"], **reasons})
        self.tables["messages"].add({**self.message, **self.group, **counted})
