"""BAI2 files account group by account group: balances, transactions, and whether their totals hold.

A record that cannot be read sets its account group (03 to 49) aside. Control totals and record counts are compared with
what was read; banks state them in ways that differ, so a difference is a warning unless the Format says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.reading.bai2_account import Account
from finport_ingestion.engine.convert.reading.bai2_fields import Unreadable, day, whole
from finport_ingestion.engine.convert.reading.bai2_records import Cursor, Record, logical_records
from finport_ingestion.engine.convert.reading.bai2_tables import SCHEMA
from finport_ingestion.engine.convert.reading.currencies import DEFAULT, from_minor
from finport_ingestion.engine.convert.reading.message_tables import MessageTables, read_records
from finport_ingestion.engine.convert.reading.text_lines import TextFile
from finport_ingestion.engine.errors import FormatError


def read_bai2(raw: RawFile, *, encoding: str | None = None, strict: bool = False) -> Iterator[Batch]:
    """Every account group of `raw`.

    Args:
        strict: An account group whose control total or record count does not hold is set aside.

    Raises:
        FormatError: It is empty, or does not begin with a file header.
    """
    file = TextFile(raw=raw, expected="a BAI2 file", declared=encoding)
    yield from read_records(file, logical_records(file), _Reading(raw=raw, strict=strict))


@dataclass(slots=True)
class _Level:
    """A file or a group that is open, with what its trailer is compared with."""

    fields: dict[str, str | None] = field(default_factory=dict)
    place: str = ""
    record: str = ""
    currency: str = DEFAULT
    total: int = 0  # of the control totals below
    complete: bool = True  # every control total below is known
    children: int = 0
    records: int = 0
    fault: str = ""  # why its header cannot be read


@dataclass(slots=True)
class _Reading:
    raw: RawFile
    strict: bool
    tables: MessageTables = field(default_factory=lambda: MessageTables(SCHEMA, "transactions"))
    records: int = 0
    file: _Level | None = None
    group: _Level | None = None
    account: Account | None = None
    numbers: dict[str, int] = field(default_factory=lambda: {"file": 0, "group": 0, "account": 0})

    def take(self, record: Record) -> None:
        """One more record.

        Raises:
            FormatError: It is the first one and no file header.
        """
        if self.records == 0 and record.code != "01":
            raise FormatError(
                f"{self.raw.uri}: {record.place}: not a BAI2 file: it does not begin with a file header (01).",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again",
            )
        self.records += record.physical
        self.tables.taken_bytes += record.size_bytes
        for level in (self.file, self.group):
            if level is not None and record.code not in ("01", "99"):
                level.records += record.physical if level is self.file or record.code != "02" else 0
        handler = {
            "01": self._open_file,
            "02": self._open_group,
            "03": self._open_account,
            "16": self._in_account,
            "49": self._close_account,
            "98": self._close_group,
            "99": self._close_file,
        }.get(record.code, self._stray)
        if record.broken and record.code in ("16", "49"):
            self._broken(record)
        handler(record)
        if record.broken and record.code in ("01", "02", "03", "98", "99"):
            self._broken(record)

    def _broken(self, record: Record) -> None:
        reason = f"{record.place}: bytes that are not of the file's encoding"
        if self.account is None:
            self.tables.warn(f"{reason}; they are written as \\xNN.")
        else:
            self.account.fail("encoding", reason)

    def finish(self) -> None:
        """What is still open was cut off."""
        self._abandon_account("the file ends inside this account group")
        if self.group is not None:
            self._cut("group", self.group, "98")
        if self.file is not None:
            self._cut("file", self.file, "99")

    def _cut(self, what: str, level: _Level, trailer: str) -> None:
        self.tables.reject(
            rule="cut",
            reason=f"{level.place}: the {what} has no trailer ({trailer}): it is cut, or the next one began in it",
            text=level.record,
            table=f"{what}s",
        )
        if what == "group":
            self.group = None
        else:
            self.file = None

    # Files and groups

    def _open_file(self, record: Record) -> None:
        self._abandon_account("a new file begins inside this account group")
        if self.group is not None:
            self._cut("group", self.group, "98")
        if self.file is not None:
            self._cut("file", self.file, "99")
        self.numbers["file"] += 1
        take = Cursor(record.pieces).take
        self.file = _Level(place=record.place, record=record.text, records=record.physical)
        sender, receiver, made, clock, identification = take(), take(), take(), take(), take()
        length, block, version = take(), take(), take()
        self.file.fields = {
            "file": str(self.numbers["file"]),
            "sender": sender,
            "receiver": receiver,
            "created_time": clock,
            "identification": identification,
            "version": version,
            "record": record.text,
        }
        try:
            self.file.fields["created_date"] = day(made, "the creation date")
            self.file.fields["physical_record_length"] = _text(whole(length, "the record length"))
            self.file.fields["block_size"] = _text(whole(block, "the block size"))
        except Unreadable as fault:
            self.tables.warn(f"{record.place}: {fault}; the file header keeps it in 'record' only.")
        if version not in ("2", ""):
            self.tables.warn(f"{record.place}: the file says that it is version {version}; it was read as version 2.")

    def _open_group(self, record: Record) -> None:
        self._abandon_account("a new group begins inside this account group")
        if self.group is not None:
            self._cut("group", self.group, "98")
        self.numbers["group"] += 1
        take = Cursor(record.pieces).take
        receiver, originator, status, made, clock = take(), take(), take(), take(), take()
        currency, modifier = take(), take()
        self.group = _Level(place=record.place, record=record.text, records=record.physical)
        self.group.currency = currency or DEFAULT
        self.group.fields = {
            "file": str(self.numbers["file"]),
            "group": str(self.numbers["group"]),
            "receiver": receiver,
            "originator": originator,
            "status": status,
            "as_of_time": clock,
            "currency": currency,
            "as_of_date_modifier": modifier,
            "record": record.text,
        }
        try:
            self.group.fields["as_of_date"] = day(made, "the as-of date")
        except Unreadable as fault:
            self.group.fault = f"{record.place}: {fault}"

    def _close_group(self, record: Record) -> None:
        self._abandon_account("its group ends before its trailer (49)")
        group = self.group
        if group is None:
            return self._misplaced(record, "a group trailer (98) without a group header (02)", "groups")
        total, fields = self._trailer(record, group, "account", group.currency)
        self.tables.add("groups", {**group.fields, **fields})
        if group.fault:
            self.tables.reject(rule="bad_header", reason=group.fault, text=group.record, table="groups")
        if self.file is not None:
            self.file.children += 1
            self.file.total += total or 0
            self.file.complete &= total is not None
        self.group = None
        return None

    def _close_file(self, record: Record) -> None:
        self._abandon_account("the file ends before its trailer (49)")
        if self.group is not None:
            self._cut("group", self.group, "98")
        file = self.file
        if file is None:
            return self._misplaced(record, "a file trailer (99) without a file header (01)", "files")
        file.records += record.physical
        total, fields = self._trailer(record, file, "group", None)
        fields["control_total_minor_units"] = _text(total)
        self.tables.add("files", {**file.fields, **fields})
        self.file = None
        return None

    def _trailer(
        self, record: Record, level: _Level, child: str, currency: str | None
    ) -> tuple[int | None, dict[str, str | None]]:
        take = Cursor(record.pieces).take
        fields: dict[str, str | None] = {"trailer_record": record.text}
        try:
            total, children, count = (
                whole(take(), "the control total"),
                whole(take(), "a count"),
                whole(take(), "a count"),
            )
        except Unreadable as fault:
            self.tables.warn(f"{record.place}: {fault}; nothing could be compared with it.")
            return None, fields
        what = "group" if child == "account" else "file"
        if count is None:
            self.tables.warn(f"{record.place}: the trailer of the {what} states no number of records: it may be cut.")
        if level.complete:
            self._compare(record.place, f"the control total of the {what}", total, level.total)
        self._compare(record.place, f"the number of {child}s of the {what}", children, level.children)
        self._compare(record.place, f"the number of records of the {what}", count, level.records)
        fields |= {f"{child}_count": _text(children), "record_count": _text(count)}
        if currency:
            fields["control_total"] = None if total is None else from_minor(str(total), currency)
        return total, fields

    def _compare(self, place: str, what: str, stated: int | None, found: int) -> bool:
        if stated is None or stated == found:
            return True
        self.tables.warn(f"{place}: {what} is stated as {stated}, but what was read makes {found}.")
        return False

    # Accounts

    def _open_account(self, record: Record) -> None:
        self._abandon_account("a new account begins before its trailer (49)")
        self.numbers["account"] += 1
        group = self.group
        account = self.account = Account(self.numbers["account"], record.place)
        if group is None:
            account.fail("out_of_place", f"{record.place}: an account (03) outside of a group (02)")
        else:
            group.children += 1
            if group.fault:
                account.fail("bad_header", f"its group cannot be read: {group.fault}")
        keys = {name: str(self.numbers[name]) for name in ("file", "group")}
        day_of_group = group.fields.get("as_of_date") if group else None
        account.open(record, keys={**keys, "as_of_date": day_of_group}, currency=group.currency if group else DEFAULT)

    def _in_account(self, record: Record) -> None:
        if self.account is None:
            return self._misplaced(record, "a transaction (16) outside of an account (03)", "transactions")
        return self.account.transaction(record)

    def _close_account(self, record: Record) -> None:
        account = self.account
        if account is None:
            return self._misplaced(record, "an account trailer (49) without an account (03)", "accounts")
        total, departures = account.close(record)
        for departure in departures if account.fault is None else ():
            if self.strict:
                account.fail("control_total", departure)
            else:
                self.tables.warn(f"{departure}.")
        self._settle(account, total)
        return None

    def _abandon_account(self, why: str) -> None:
        if self.account is not None:
            self.account.fail("cut", f"{self.account.place}: {why}")
            self._settle(self.account, None)

    def _settle(self, account: Account, total: int | None) -> None:
        """The account is complete: its rows, or what there is of it set aside; its group counts its total."""
        self.account = None
        if self.group is not None:
            self.group.total += total or 0
            self.group.complete &= total is not None
        if account.fault is None:
            self.tables.add_unit(account.rows)
            return
        rule, reason = account.fault
        self.tables.reject(rule=rule, reason=reason, text="\n".join(account.lines))

    def _stray(self, record: Record) -> None:
        """A line that is no record: it belongs to the account that is open."""
        if self.account is None:
            return self._misplaced(record, "no record of BAI2", "files")
        self.account.lines.extend(record.lines)
        return self.account.fail("bad_record", f"{record.place}: a line that does not begin with a record code")

    def _misplaced(self, record: Record, what: str, table: str) -> None:
        self.tables.reject(rule="out_of_place", reason=f"{record.place}: {what}", text=record.text, table=table)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
