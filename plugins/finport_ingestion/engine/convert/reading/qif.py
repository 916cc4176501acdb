"""QIF files: every record as delivered, and its meaning by the kind of its section."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.message_tables import MessageTables, nothing_in
from finport_ingestion.engine.convert.reading.qif_numbers import Numbers
from finport_ingestion.engine.convert.reading.qif_records import CASH, Record, records
from finport_ingestion.engine.convert.reading.qif_tables import SCHEMA
from finport_ingestion.engine.convert.reading.qif_values import DateOrder, Unreadable, day
from finport_ingestion.engine.convert.reading.text_lines import TextFile
from finport_ingestion.engine.errors import FormatError

Fields = dict[str, str | None]
Rows = list[tuple[str, Fields]]
_WITHOUT_TABLE = ("memorized", "budget", "invitem", "template")  # known, and rare
_AMOUNTS = {"cash": "TU$", "invst": "TU$IQO"}


def read_qif(raw: RawFile, *, encoding: str | None = None, order: str | None = None) -> Iterator[Batch]:
    """Every record of `raw`.

    Args:
        order: `dmy` or `mdy`; by default what the dates of the file prove.

    Raises:
        FormatError: It is empty, or does not begin with a section.
    """
    file = TextFile(raw=raw, expected="a QIF file", declared=encoding)
    tables = MessageTables(SCHEMA, "transactions")
    dates, numbers, stated = _looked_at(file)
    reading = _Reading(tables, order or stated.get("order") or dates.proved, numbers)
    number = 0
    for number, record in enumerate(records(file, {}), 1):
        if number == 1 and not record.section:
            raise FormatError(
                f"{raw.uri}: {record.place}: not a QIF file: no section such as !Type:Bank begins it.",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again",
            )
        reading.take(record, number)
        if tables.full:
            yield from tables.batches()
    if not number:
        if stated.get("section"):
            tables.warn("there is a section and no record in it: nothing happened, or the file is cut.")
            yield from tables.batches(final=True)
            return
        yield from nothing_in(raw, tables)
        return
    _tell(tables, dates, stated, order=reading.order)
    if numbers.is_guessed:
        tables.warnings.append("amounts such as 1,234 are read as thousands; nothing in the file proves it.")
    tables.facts["encoding"] = file.encoding().name
    yield from tables.batches(final=True)


def _looked_at(file: TextFile) -> tuple[DateOrder, Numbers, dict[str, str]]:
    """What all dates and amounts of the file say together: one of them alone is often ambiguous."""
    dates, numbers, stated = DateOrder(), Numbers(), dict[str, str]()
    for record in records(file, stated):
        amounts = _AMOUNTS["invst" if record.kind == "invst" else "cash"]
        if record.kind in CASH or record.kind == "invst":
            for code, text in record.fields:
                if code == "D":
                    dates.look(text)
                elif code in amounts:
                    numbers.look(text)
    return dates, numbers, stated


def _tell(tables: MessageTables, dates: DateOrder, stated: dict[str, str], *, order: str | None) -> None:
    if order is None and dates.day_first and dates.month_first:
        tables.warnings.append(
            "some dates have the day first and some the month: 'date' is empty; state dateOrder, or look at the file."
        )
    elif order is None and dates.both:
        tables.warnings.append(
            "dates fit day/month/year as well as month/day/year: 'date' is empty, 'date_as_delivered' has them; "
            "state dateOrder."
        )
    if dates.short_years:
        tables.warnings.append("years of two digits without an apostrophe are read as 1970 to 2069.")
    if stated.get("comments"):
        tables.notes.append(f"{stated['comments']} comment lines are left out.")


@dataclass(slots=True)
class _Reading:
    tables: MessageTables
    order: str | None
    numbers: Numbers
    record: Record = field(default_factory=lambda: Record("", ""))
    number: int = 0
    unknown: set[str] = field(default_factory=set)  # kinds of sections

    def take(self, record: Record, number: int) -> None:
        """One more record: all of its rows, or set aside."""
        self.record, self.number = record, number
        self.tables.taken_bytes += record.size_bytes
        table, make = self._meaning(record.kind)
        if make is None and record.kind not in (*_WITHOUT_TABLE, *self.unknown):
            self.unknown.add(record.kind)
            self.tables.warn(f"{record.place}: the section !{record.section} is not known; see the table 'records'.")
        if record.fault:
            self._reject("cut" if "^" in record.fault else "encoding", record.fault, table)
            return
        try:
            rows = make() if make else []
        except Unreadable as fault:
            self._reject("bad_value", str(fault), table)
            return
        self.tables.add_unit([*rows, ("records", self._delivered())])

    def _reject(self, rule: str, what: str, table: str) -> None:
        record = self.record
        reason = f"{record.place}: the record of !{record.section} {what}"
        self.tables.reject(rule=rule, reason=reason, text=record.text, table=table)

    def _meaning(self, kind: str) -> tuple[str, Callable[[], Rows] | None]:
        if kind in CASH:
            return "transactions", self._cash
        return {
            "invst": ("investments", self._investment),
            "account": ("accounts", self._account),
            "cat": ("categories", self._category),
            "class": ("categories", self._category),
            "tag": ("categories", self._category),
            "security": ("securities", self._security),
            "prices": ("prices", self._prices),
        }.get(kind, ("records", None))

    def _delivered(self) -> Fields:
        fields: Fields = {"record": str(self.number), "section": self.record.section}
        other: Fields = {}
        for code, text in self.record.by_code().items():
            (fields if code in SCHEMA["records"] else other)[code] = text
        fields["other"] = _json(other)
        return fields

    def _keys(self) -> Fields:
        return {
            "record": str(self.number),
            "account": self.record.account,
            "account_type": self.record.account_type,
        }

    def _cash(self) -> Rows:
        own, parts = _split(self.record.fields)
        taken = _Taken(own)
        total = self._total(taken)
        fields = {
            **self._keys(),
            "section": self.record.section,
            **self._date(taken.one("D"), "date"),
            "amount": total,
            "cleared": taken.one("C"),
            "number": taken.one("N"),
            "payee": taken.one("P"),
            "memo": taken.one("M"),
            "address": "\n".join(taken.all("A")).strip("\n"),
            **_category(taken.one("L")),
            "splits": str(len(parts)) if parts else None,
            "other": taken.rest(),
        }
        rows: Rows = [("transactions", fields)]
        rows.extend(("splits", self._part(part, position)) for position, part in enumerate(parts, 1))
        self._add_up(total, [row["amount"] for table, row in rows if table == "splits"])
        return rows

    def _part(self, part: list[tuple[str, str]], position: int) -> Fields:
        taken = _Taken(part)
        found = taken.one("$")
        return {
            **self._keys(),
            "position": str(position),
            **_category(taken.one("S")),
            "memo": taken.one("E"),
            "amount": _read(self.numbers.amount, found, "$"),
            "percentage": taken.one("%"),
            **self._date(taken.one("D"), "date"),
        }

    def _add_up(self, total: str | None, parts: list[str | None]) -> None:
        found = [Decimal(part) for part in parts if part is not None]
        if total is not None and len(found) == len(parts) > 0 and sum(found) != Decimal(total):
            self.tables.warn(f"{self.record.place}: the splits make {sum(found)}, the transaction says {total}.")

    def _total(self, taken: _Taken) -> str | None:
        """T and U are the same amount; U was added for large ones."""
        short, long = taken.one("T"), taken.one("U")
        first, second = _read(self.numbers.amount, short, "T"), _read(self.numbers.amount, long, "U")
        if first is not None and second is not None and Decimal(first) != Decimal(second):
            self.tables.warn(f"{self.record.place}: T and U state different amounts; U is taken.")
        return second if second is not None else first

    def _investment(self) -> Rows:
        taken = _Taken(self.record.fields)
        fields = {
            **self._keys(),
            **self._date(taken.one("D"), "date"),
            "action": taken.one("N"),
            "security": taken.one("Y"),
            "price": _read(self.numbers.price, taken.one("I"), "I"),
            "quantity": _read(self.numbers.amount, taken.one("Q"), "Q"),
            "amount": self._total(taken),
            "commission": _read(self.numbers.amount, taken.one("O"), "O"),
            "cleared": taken.one("C"),
            "payee": taken.one("P"),
            "memo": taken.one("M"),
            **_category(taken.one("L")),
            "transfer_amount": _read(self.numbers.amount, taken.one("$"), "$"),
            "other": taken.rest(),
        }
        return [("investments", fields)]

    def _account(self) -> Rows:
        taken = _Taken(self.record.fields)
        fields = {
            "record": str(self.number),
            "name": taken.one("N"),
            "type": taken.one("T"),
            "description": taken.one("D"),
            "credit_limit": _read(self.numbers.amount, taken.one("L"), "L"),
            "balance": _read(self.numbers.amount, taken.one("$"), "$"),
            **self._date(taken.one("/"), "balance_date"),
            "other": taken.rest(),
        }
        return [("accounts", fields)]

    def _category(self) -> Rows:
        found, codes = self.record.by_code(), {code for code, _ in self.record.fields}
        kind = "income" if "I" in codes else "expense" if "E" in codes else None
        fields = {
            "record": str(self.number),
            "section": self.record.section,
            "name": found.get("N"),
            "description": found.get("D"),
            "tax_related": (found.get("T") or "yes") if "T" in codes else None,
            "kind": kind,
            "budget": found.get("B"),
            "tax_schedule": found.get("R"),
        }
        return [("categories", fields)]

    def _security(self) -> Rows:
        names = {"name": "N", "symbol": "S", "type": "T", "goal": "G"}
        fields = {name: self.record.first(code) for name, code in names.items()}
        return [("securities", {"record": str(self.number), **fields})]

    def _prices(self) -> Rows:
        rows: Rows = []
        for line in self.record.lines:
            if line.strip() == "^":
                continue
            cells = next(csv.reader([line]), [])
            if len(cells) != 3:
                raise Unreadable("is not a symbol, a price and a date")
            dated = self._date(cells[2].strip(), "date")
            exact = _read(self.numbers.price, cells[1].strip() or None, "price")
            rows.append(("prices", {"record": str(self.number), "symbol": cells[0].strip(), "price": exact, **dated}))
        return rows

    def _date(self, text: str | None, name: str) -> Fields:
        found = _read(lambda value: day(value, self.order), text, "D")
        return {name: found, f"{name}_as_delivered": text}


class _Taken:
    """The fields of a record, and which of them nobody asked for."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields: dict[str, list[str]] = {}
        for code, text in fields:
            self._fields.setdefault(code, []).append(text)

    def one(self, code: str) -> str | None:
        """The first text of a code; further ones are left for `rest`."""
        texts = self._fields.pop(code, [])
        if len(texts) > 1:
            self._fields[code] = texts[1:]
        return (texts[0] or None) if texts else None

    def all(self, code: str) -> list[str]:
        return self._fields.pop(code, [])

    def rest(self) -> str | None:
        return _json({code: texts[0] if len(texts) == 1 else texts for code, texts in self._fields.items()})


def _split(fields: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[list[tuple[str, str]]]]:
    """The fields of the transaction itself, and those of each split: what follows an S."""
    own: list[tuple[str, str]] = []
    parts: list[list[tuple[str, str]]] = []
    for code, text in fields:
        if code == "S":
            parts.append([])
        (parts[-1] if parts and code in "SE$%D" else own).append((code, text))
    return own, parts


def _category(text: str | None) -> Fields:
    transfer = text[1:].partition("]")[0] if text and text.startswith("[") and "]" in text else None
    return {"category": text, "transfer_account": transfer}


def _read(how: Callable[[str], str | None], text: str | None, code: str) -> str | None:
    if text is None:
        return None
    try:
        return how(text)
    except Unreadable as fault:
        raise Unreadable(f"has a field '{code}' that {fault}") from None


def _json(found: object) -> str | None:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) if found else None
