"""One statement of OFX as rows of the tables: its account, transactions, trades, positions and balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.ofx_markup import Element
from finport_ingestion.engine.convert.reading.ofx_tables import (
    ACCOUNT,
    INVESTMENT,
    POSITION,
    TRANSACTION,
    Fields,
    Kinds,
    fields_of,
    value_of,
)
from finport_ingestion.engine.convert.reading.ofx_values import Unreadable

_ACCOUNTS = ("BANKACCTFROM", "CCACCTFROM", "INVACCTFROM", "LOANACCTFROM")
_LISTS = ("BANKTRANLIST", "INVTRANLIST", "LOANTRANLIST")
_DATES = ("DTSTART", "DTEND", "DTASOF")
_CASH = ("STMTTRN", "INVBANKTRAN", "LOANSTMTTRN")
_BALANCES = ("LEDGERBAL", "AVAILBAL", "CASHADVBALAMT")
_INVESTED = ("INVBAL", "INV401KBAL")
_OWN_TABLES = frozenset(
    [*_ACCOUNTS, *_LISTS, *_CASH, *_DATES, *_BALANCES, *_INVESTED, "BALLIST", "CURDEF", "INVPOSLIST", "MKTGINFO"]
)
Record = tuple[str, Fields]


@dataclass(slots=True)
class Statement:
    """A statement and what was found wrong in it."""

    unit: Element
    number: int
    kind: str  # "bank", "credit card" ...
    place: Callable[[Element], str]
    faults: list[str] = field(default_factory=list)  # each of them sets it aside
    warnings: list[str] = field(default_factory=list)
    keys: Fields = field(default_factory=dict)

    def records(self, institution: Fields) -> list[Record]:
        """The rows of the statement; they count only where there are no `faults`."""
        self.keys = {"statement": str(self.number), "kind": self.kind, "curdef": self.unit.value("CURDEF")}
        account = next((found for tag in _ACCOUNTS if (found := self.unit.find(tag))), None)
        if account is None:
            self.faults.append("the account is missing")
        else:
            self.keys |= {k: v for k, v in fields_of(account.children, ACCOUNT, self.faults).items() if k != "other"}
        listed = [entries for tag in _LISTS if (entries := self.unit.find(tag))]
        records: list[Record] = [("accounts", {**self._account(listed), **institution})]
        for entries in listed:
            records.extend(self._entries(entries.children))
        # A list that is not opened: its transactions stand in the statement itself.
        records.extend(self._entries([child for child in self.unit.children if child.tag in _CASH]))
        records.extend(self._positions())
        records.extend(self._balances())
        self._same_ids(records)
        return records

    def _account(self, listed: list[Element]) -> Fields:
        fields = {**self.keys, "mktginfo": self.unit.value("MKTGINFO")}
        dated = [*self.unit.children, *(child for entries in listed for child in entries.children)]
        for element in dated:
            if element.tag in _DATES:
                fields |= self._value(element, "moment")
        rest = [element for element in self.unit.children if element.tag not in _OWN_TABLES]
        return {**fields, **fields_of(rest, {}, self.faults)}

    def _entries(self, listed: list[Element]) -> Iterator[Record]:
        cash, trades = 0, 0
        for entry in listed:
            if entry.tag in _DATES:
                continue
            if entry.tag in _CASH:
                cash += 1
                yield "transactions", {**self.keys, "position": str(cash), **self._transaction(entry)}
                continue
            trades += 1
            if not entry.children:
                self.faults.append(f"{self.place(entry)} is no transaction")
            fields = self._fields(entry, list(entry.leaves()), INVESTMENT)
            yield "investment_transactions", {**self.keys, "position": str(trades), "action": entry.tag, **fields}

    def _transaction(self, entry: Element) -> Fields:
        inner = entry.find("STMTTRN") if entry.tag == "INVBANKTRAN" else entry
        children = [] if inner is None else list(inner.children)
        if inner is not entry:
            children += [child for child in entry.children if child.tag != "STMTTRN"]
        fields = self._fields(entry, children, TRANSACTION)
        for tag in ("TRNAMT", "DTPOSTED"):
            if not any(child.tag == tag and child.text for child in children):
                self.faults.append(f"{self.place(entry)}: <{tag}> is missing")
        return fields

    def _fields(self, entry: Element, children: list[Element], kinds: Kinds) -> Fields:
        faults: list[str] = []
        fields = fields_of(children, kinds, faults)
        if faults:
            place = self.place(entry)
            self.faults.extend(f"{place}: {fault}" for fault in faults)
        return fields

    def _positions(self) -> Iterator[Record]:
        listed = self.unit.find("INVPOSLIST")
        for number, found in enumerate(listed.children if listed else (), 1):
            fields = self._fields(found, list(found.leaves()), POSITION)
            yield "positions", {**self.keys, "position": str(number), "position_kind": found.tag, **fields}

    def _balances(self) -> Iterator[Record]:
        for element in self.unit.children:
            if element.tag in _BALANCES:
                yield self._balance(element.tag, element.find("BALAMT") or element, element)
            elif element.tag in _INVESTED:
                leaves = (child for child in element.children if not child.children and child.tag != "BALLIST")
                yield from (self._balance(child.tag, child, element) for child in leaves)
        holders = (self.unit, self.unit.find("INVBAL"))
        for listed in (holder.find("BALLIST") for holder in holders if holder):
            for found in listed.children if listed else ():
                yield self._balance(found.value("NAME") or found.tag, found.find("VALUE") or found, found)

    def _balance(self, name: str, value: Element, element: Element) -> Record:
        fields: Fields = {**self.keys, "name": name, "amount": None}
        if value.text:
            fields["amount"] = self._value(value, "money").get(value.tag.lower())
        else:
            self.warnings.append(f"{self.place(element)}: the balance has no amount.")
        currency, day = element.find("CURRENCY"), element.find("DTASOF")
        fields |= {"description": element.value("DESC"), "balance_type": element.value("BALTYPE")}
        fields["cursym"] = currency.value("CURSYM") if currency else None
        return "balances", {**fields, **(self._value(day, "moment") if day else {})}

    def _value(self, element: Element, kind: str) -> Fields:
        try:
            return value_of(element, kind)
        except Unreadable as fault:
            self.faults.append(f"{self.place(element)} {fault}")
            return {}

    def _same_ids(self, records: list[Record]) -> None:
        ids = Counter(fields.get("fitid") for table, fields in records if table == "transactions")
        twice = [key for key, count in ids.items() if key and count > 1]
        if twice:
            what = f"{len(twice)} transaction ids (FITID) stand more than once in it"
            self.warnings.append(f"{self.place(self.unit)}: {what}.")
