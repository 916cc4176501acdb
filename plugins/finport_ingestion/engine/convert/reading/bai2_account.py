"""One account group of BAI2: its summaries, its transactions, and what its trailer is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.bai2_fields import Amounts, Unreadable, summaries, transaction, whole
from finport_ingestion.engine.convert.reading.bai2_records import Cursor, Record
from finport_ingestion.engine.convert.reading.currencies import from_minor

Fields = dict[str, str | None]


@dataclass(slots=True)
class Account:
    """An account group that is open."""

    ordinal: int  # in the file
    place: str
    keys: Fields = field(default_factory=dict)
    currency: str = ""
    lines: list[str] = field(default_factory=list)
    header: str = ""
    amounts: Amounts = field(default_factory=Amounts)
    rows: list[tuple[str, Fields]] = field(default_factory=list)
    records: int = 0
    transactions: int = 0
    fault: tuple[str, str] | None = None  # rule, reason

    def fail(self, rule: str, reason: str) -> None:
        """The first reason counts."""
        self.fault = self.fault or (rule, reason)

    def take(self, record: Record) -> None:
        """Count a record of the group, and keep its text."""
        self.lines.extend(record.lines)
        self.records += record.physical

    def open(self, record: Record, *, keys: Fields, currency: str) -> None:
        """Read the account identifier (03).

        Args:
            currency: Of the group, where the account states none.
        """
        self.take(record)
        self.header = record.text
        cursor = Cursor(record.pieces)
        number, own = cursor.take(), cursor.take()
        self.currency = own or currency
        self.keys = {**keys, "account": str(self.ordinal), "account_number": number, "currency": self.currency}
        try:
            found = summaries(cursor, currency=self.currency, amounts=self.amounts)
        except Unreadable as fault:
            return self.fail("bad_record", f"{record.place}: {fault}")
        for position, fields in enumerate(found, 1):
            self.rows.append(("summaries", {**self.keys, "position": str(position), **fields}))
        return None

    def transaction(self, record: Record) -> None:
        """Read a transaction (16)."""
        self.take(record)
        self.transactions += 1
        try:
            fields = transaction(record, currency=self.currency, amounts=self.amounts)
        except Unreadable as fault:
            return self.fail("bad_record", f"{record.place}: {fault}")
        self.rows.append(("transactions", {**self.keys, "position": str(self.transactions), **fields}))
        return None

    def close(self, record: Record) -> tuple[int | None, list[str]]:
        """Read the trailer (49): the control total, and in words where it does not hold."""
        self.take(record)
        take = Cursor(record.pieces).take
        try:
            total, count = whole(take(), "the control total"), whole(take(), "the number of records")
        except Unreadable as fault:
            self.fail("bad_record", f"{record.place}: {fault}")
            return None, []
        fields = {
            **self.keys,
            "control_total": None if total is None else from_minor(str(total), self.currency),
            "record_count": None if count is None else str(count),
            "record": self.header,
            "trailer_record": record.text,
        }
        self.rows.insert(0, ("accounts", fields))
        compared = ((total, self.amounts.total, "control total"), (count, self.records, "number of records"))
        return total, [
            f"{record.place}: the {what} of account {self.ordinal} is stated as {stated}, but its records make {found}"
            for stated, found, what in compared
            if stated is not None and stated != found
        ]
