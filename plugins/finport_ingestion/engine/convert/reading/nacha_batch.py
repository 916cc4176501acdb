"""One batch of a NACHA file: its entries, their addenda, and the totals that its control record states."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from finport_ingestion.engine.convert.reading.currencies import from_minor
from finport_ingestion.engine.convert.reading.nacha_layout import (
    AREAS,
    BATCH_HEADER,
    IAT_BATCH_HEADER,
    WIDTH,
    Slices,
    amount_slice,
    control_slices,
    cut,
    entry_slices,
    is_credit,
)

_HASH = 10**10
Fields = dict[str, str | None]


class Unreadable(Exception):
    """A field that is not what its record type says; the message names it and its positions, never its value."""


@dataclass(slots=True)
class Sums:
    """What a control record states of the records before it; amounts in cents."""

    records: int = 0
    hash: int = 0
    debit: int = 0
    credit: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.records + other.records, self.hash + other.hash, self.debit + other.debit, self.credit + other.credit
        )

    def departures(self, stated: Sums) -> list[str]:
        """In words, where `stated` differs from what was read."""
        compared = (
            ("number of entries and addenda", stated.records, self.records),
            ("entry hash", stated.hash, self.hash % _HASH),
            ("total of debits (cents)", stated.debit, self.debit),
            ("total of credits (cents)", stated.credit, self.credit),
        )
        return [
            f"the {what} is stated as {said}, its records make {found}"
            for what, said, found in compared
            if said != found
        ]


@dataclass(slots=True)
class Batch:
    """A batch that is open."""

    number: int
    place: str
    lines: list[str]
    header: Fields = field(default_factory=dict)
    entries: list[tuple[str, Fields]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    faults: list[tuple[str, str]] = field(default_factory=list)  # rule, reason
    entry_count: int = 0
    trace: str | None = None  # of the last entry
    keys: Fields = field(default_factory=dict)

    @property
    def entry_class(self) -> str:
        return self.header.get("entry_class") or ""

    def open(self, record: str, *, file: int) -> None:
        """Read the header."""
        is_iat = record[50:53] == "IAT"
        self.header = cut(record, IAT_BATCH_HEADER if is_iat else BATCH_HEADER)
        self.header |= {"file": str(file), "batch": str(self.number), "record": record.rstrip()}
        names = ("batch_number", "entry_class", "service_class_code", "company_name", "company_identification")
        self.keys = {name: self.header.get(name) for name in (*names, "entry_description", "originating_dfi")}
        self.keys |= {"file": str(file), "batch": str(self.number)}
        try:
            self.header["effective_date"] = day(self.header["effective_date"], "the effective entry date (70-75)")
        except Unreadable as fault:
            self.fail("bad_record", f"{self.place}: {fault}")
            self.header["effective_date"] = None
        self.keys["effective_date"] = self.header["effective_date"]

    def fail(self, rule: str, reason: str) -> None:
        self.faults.append((rule, reason))

    def entry(self, record: str, place: str) -> None:
        """Take an entry detail record (6)."""
        self.lines.append(record.rstrip())
        self.sums.records += 1
        self.entry_count += 1
        kind = self.entry_class
        try:
            cents = number(record, *amount_slice(kind), what="the amount")
            routing = number(record, 3, 11, what="the receiving DFI")
            code = record[1:3]
            if not (code.isascii() and code.isdigit()):
                raise Unreadable("the transaction code (2-3) is not two digits")
        except Unreadable as fault:
            return self.fail("bad_record", f"{place}: {fault}")
        self.sums.hash += routing
        credit = is_credit(code, kind)
        if credit:
            self.sums.credit += cents
        else:
            self.sums.debit += cents
        fields = {**self.keys, **cut(record, entry_slices(kind)), **cut(record, AREAS)}
        fields |= {"entry": str(self.entry_count), "direction": "credit" if credit else "debit"}
        fields |= {"amount": from_minor(str(cents)), "record": record.rstrip()}
        self.trace = fields["trace_number"]
        self.entries.append(("entries", fields))
        return None

    def addenda(self, record: str, place: str) -> None:
        """Take an addenda record (7)."""
        self.lines.append(record.rstrip())
        self.sums.records += 1
        if not self.entry_count:
            return self.fail("out_of_place", f"{place}: an addenda record (7) before any entry (6)")
        kind = record[1:3]
        fields: Fields = {
            "file": self.keys["file"],
            "batch": self.keys["batch"],
            "entry": str(self.entry_count),
            "trace_number": self.trace,
            "addenda_type": kind.strip() or None,
            "payment_information": record[3:83].rstrip() or None,
            "record": record.rstrip(),
            **_of_kind(record, kind),
        }
        self.entries.append(("addenda", fields))
        return None

    def close(self, record: str, place: str, *, strict: bool) -> tuple[Sums | None, list[str]]:
        """Compare with the batch control (8): what it states, and departures that do not set the batch aside."""
        self.lines.append(record.rstrip())
        try:
            stated, fields = stated_sums(record, control_slices(self.entry_class))
        except Unreadable as fault:
            self.fail("bad_record", f"{place}: {fault}")
            return None, []
        self.header |= {**fields, "control_record": record.rstrip()}
        said = [] if self.faults else [f"{place}: {departure}" for departure in self.sums.departures(stated)]
        if strict:
            for departure in said:
                self.fail("control_total", departure)
            said = []
        return stated, said

    def records(self) -> list[tuple[str, Fields]]:
        return [("batches", self.header), *self.entries]


def _of_kind(record: str, kind: str) -> Fields:
    """What returns (99), changes (98) and the addenda of payments say beyond their text."""
    if kind in ("98", "99"):
        code = record[3:6].strip() or None
        found: Fields = {"original_trace_number": record[6:21].strip() or None}
        found["original_receiving_dfi"] = record[27:35].strip() or None
        if kind == "99":
            return {**found, "return_reason_code": code}
        return {**found, "change_code": code, "corrected_data": record[35:64].rstrip() or None}
    if kind == "05":
        return {
            "sequence_number": record[83:87].strip() or None,
            "entry_sequence_number": record[87:94].strip() or None,
        }
    return {"entry_sequence_number": record[87:94].strip() or None} if kind.startswith("1") else {}


def stated_sums(record: str, slices: Slices) -> tuple[Sums, Fields]:
    """What a control record states, and the same as fields of a table.

    Raises:
        Unreadable: One of them is not digits.
    """
    found = {
        name: number(record, start, end, what=f"the {name.replace('_', ' ')}") for name, (start, end) in slices.items()
    }
    sums = Sums(found["entry_addenda_count"], found["entry_hash"], found["total_debit"], found["total_credit"])
    fields: Fields = {name: str(value) for name, value in found.items()}
    fields["entry_hash"] = record[slice(*slices["entry_hash"])]
    fields["total_debit"] = from_minor(str(found["total_debit"]))
    fields["total_credit"] = from_minor(str(found["total_credit"]))
    return sums, fields


def number(record: str, start: int, end: int, *, what: str) -> int:
    text = record[start:end]
    if not (text.isascii() and text.isdigit()):
        raise Unreadable(f"{what} ({start + 1}-{end}) is not digits")
    return int(text)


def day(text: str | None, what: str) -> str | None:
    """YYMMDD as ISO 8601; None where it is blank or zeros."""
    if not text or not text.strip("0"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) == 6):
        raise Unreadable(f"{what} is not a date (YYMMDD)")
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= 70 else 2000), int(text[2:4]), int(text[4:])).isoformat()
    except ValueError:
        raise Unreadable(f"{what} is no day of the calendar") from None


def padded(text: str) -> str | None:
    """A record of 94 characters; None where it is longer. Blanks that an editor cut off are put back."""
    text = text.rstrip()
    return text.ljust(WIDTH) if len(text) <= WIDTH else None
