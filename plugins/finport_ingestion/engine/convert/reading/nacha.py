"""NACHA (ACH) files batch by batch: a batch that cannot be read, or does not add up, is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.interface import Batch as Rows
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.message_tables import MessageTables, read_records
from finport_ingestion.engine.convert.reading.nacha_batch import (
    Batch,
    Fields,
    Sums,
    Unreadable,
    day,
    padded,
    stated_sums,
)
from finport_ingestion.engine.convert.reading.nacha_layout import FILE_HEADER, SCHEMA, WIDTH, cut, file_control_slices
from finport_ingestion.engine.convert.reading.text_lines import TextFile
from finport_ingestion.engine.errors import FormatError

_PADDING = "9" * WIDTH
_ENDS_WITH_A_NUMBER = ("5", "6", "7", "8")
_BLOCK_RECORDS = 10


@dataclass(frozen=True, slots=True)
class Record:
    """94 characters and where they stand."""

    place: str
    text: str  # padded; as delivered where it is too long
    size_bytes: int
    whole: bool
    broken: bool = False  # it has bytes that are not of the encoding


def read_nacha(raw: RawFile, *, encoding: str | None = None, strict: bool = True) -> Iterator[Rows]:
    """Every batch of `raw`.

    Args:
        strict: A batch whose totals do not hold is set aside; otherwise that is a warning.

    Raises:
        FormatError: It is empty, or does not begin with a file header (1).
    """
    file = TextFile(raw=raw, expected="a NACHA file", declared=encoding)
    yield from read_records(file, _records(file), _Reading(raw=raw, strict=strict))


def _records(file: TextFile) -> Iterator[Record]:
    """Records, whether lines separate them or not."""
    for line in file.lines():
        text = line.text.strip("\x1a\x00")
        if not text.strip():
            continue
        if len(text) >= 2 * WIDTH:
            for at in range(0, len(text), WIDTH):
                block = text[at : at + WIDTH]
                if block.strip():
                    yield _record(f"line {line.number}, byte {line.offset + at}", block, broken=line.broken)
            continue
        yield _record(line.place, text, broken=line.broken)


def _record(place: str, text: str, *, broken: bool) -> Record:
    fitted = padded(text)
    if fitted is None or broken:
        return Record(place, text, len(text), whole=False, broken=broken)
    return Record(place, fitted, len(text), whole=True)


@dataclass(slots=True)
class _File:
    """A file that is open: its header, and what its control is compared with."""

    place: str
    fields: Fields
    sums: Sums = field(default_factory=Sums)
    batches: int = 0
    records: int = 0
    known: bool = True  # every batch control could be read
    advice: bool = False


@dataclass(slots=True)
class _Reading:
    raw: RawFile
    strict: bool
    tables: MessageTables = field(default_factory=lambda: MessageTables(SCHEMA, "entries"))
    records: int = 0
    file: _File | None = None
    batch: Batch | None = None
    numbers: dict[str, int] = field(default_factory=lambda: {"file": 0, "batch": 0})

    def take(self, record: Record) -> None:
        """One more record.

        Raises:
            FormatError: It is the first one and no file header.
        """
        if self.records == 0 and not (record.whole and record.text[0] == "1" and record.text[34:37] == f"{WIDTH:03d}"):
            raise FormatError(
                f"{self.raw.uri}: {record.place}: not a NACHA file: it does not begin with a file header (1) "
                f"that states records of {WIDTH} characters (35-37).",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again",
            )
        self.records += 1
        self.tables.taken_bytes += record.size_bytes
        if self.file is not None:
            self.file.records += 1
        # Lines of nines fill up the last block; behind the end of a file the last one may be cut.
        if record.text == _PADDING or (self.file is None and not record.text.strip("9 ")):
            return
        self._look_at_length(record)
        handler = {
            "1": self._open_file,
            "5": self._open_batch,
            "6": self._in_batch,
            "7": self._in_batch,
            "8": self._close_batch,
            "9": self._close_file,
        }.get(record.text[0] if record.whole else "", self._stray)
        handler(record)

    def _look_at_length(self, record: Record) -> None:
        """Records of batches end with a number, so one that is shorter was cut and not trimmed."""
        kind, size = record.text[:1], len(record.text.rstrip())
        if not record.whole or kind not in _ENDS_WITH_A_NUMBER or size == WIDTH:
            return
        what = f"{record.place}: a record ({kind}) of {size} characters instead of {WIDTH}"
        if kind == "6" and self.batch is not None:
            self.batch.fail("bad_record", what)
        else:
            self.tables.warn(f"{what}: its end is cut off.")

    def finish(self) -> None:
        """What is still open was cut off."""
        self._abandon("the file ends inside this batch")
        if self.file is not None:
            self._cut(self.file)

    def _cut(self, file: _File) -> None:
        reason = f"{file.place}: the file has no control record (9): it is cut, or the next one began in it"
        self.tables.reject(rule="cut", reason=reason, text=file.fields.get("record") or "", table="files")
        self.file = None

    def _open_file(self, record: Record) -> None:
        self._abandon("a new file begins inside this batch")
        if self.file is not None:
            self._cut(self.file)
        self.numbers["file"] += 1
        fields = cut(record.text, FILE_HEADER)
        fields |= {"file": str(self.numbers["file"]), "record": record.text.rstrip()}
        try:
            fields["file_date"] = day(fields["file_date"], "the file creation date (24-29)")
        except Unreadable as fault:
            fields["file_date"] = None
            self.tables.warn(f"{record.place}: {fault}; it is kept in 'record' only.")
        self.file = _File(record.place, fields, records=1)

    def _open_batch(self, record: Record) -> None:
        self._abandon("a new batch begins before its control record (8)")
        self.numbers["batch"] += 1
        self.batch = Batch(self.numbers["batch"], record.place, [record.text.rstrip()])
        self.batch.open(record.text, file=self.numbers["file"])
        if self.file is None:
            self.batch.fail("out_of_place", f"{record.place}: a batch (5) behind the end of the file (9)")

    def _in_batch(self, record: Record) -> None:
        if self.batch is None:
            return self._misplaced(record, "an entry outside of a batch")
        take = self.batch.entry if record.text[0] == "6" else self.batch.addenda
        take(record.text, record.place)
        return None

    def _close_batch(self, record: Record) -> None:
        batch = self.batch
        if batch is None:
            return self._misplaced(record, "a batch control (8) without a batch (5)")
        stated, said = batch.close(record.text, record.place, strict=self.strict)
        number, opened = record.text[87:94].strip(), batch.header.get("batch_number")
        if number != (opened or ""):
            said.append(f"{record.place}: the control is of batch {number or '(none)'}, its header of {opened}")
        for departure in said:
            self.tables.warn(f"{departure}.")
        if self.file is not None:
            self._count(self.file, batch, stated)
        self._settle(batch)
        return None

    def _count(self, file: _File, batch: Batch, stated: Sums | None) -> None:
        file.batches += 1
        file.known &= stated is not None
        file.sums = file.sums + (stated or Sums())
        file.advice |= batch.entry_class == "ADV"

    def _settle(self, batch: Batch) -> None:
        self.batch = None
        if not batch.faults:
            self.tables.add_unit(batch.records())
            return
        reason = "; ".join(dict.fromkeys(reason for _, reason in batch.faults[:5]))
        self.tables.reject(rule=batch.faults[0][0], reason=reason, text="\n".join(batch.lines))

    def _abandon(self, why: str) -> None:
        if self.batch is None:
            return
        self.batch.fail("cut", f"{self.batch.place}: {why}")
        if self.file is not None:
            self._count(self.file, self.batch, None)
        self._settle(self.batch)

    def _close_file(self, record: Record) -> None:
        self._abandon("the file ends before its control record (8)")
        file = self.file
        if file is None:
            return self._misplaced(record, "a file control (9) without a file header (1)")
        try:
            stated, fields = stated_sums(record.text, file_control_slices(advice=file.advice))
        except Unreadable as fault:
            self.tables.warn(f"{record.place}: {fault}: nothing could be compared with the file control.")
            stated, fields = None, {}
        if stated is not None:
            self._compare(record, file, stated, fields)
        self.tables.add("files", {**file.fields, **fields, "control_record": record.text.rstrip()})
        self.file = None
        return None

    def _compare(self, record: Record, file: _File, stated: Sums, fields: Fields) -> None:
        said = file.sums.departures(stated) if file.known else []
        if fields["batch_count"] != str(file.batches):
            said.insert(0, f"the number of batches is stated as {fields['batch_count']}, the file has {file.batches}")
        blocks = str(-(-file.records // _BLOCK_RECORDS))
        if fields["block_count"] != blocks:
            said.append(f"the number of blocks is stated as {fields['block_count']}, its records make {blocks}")
        for departure in said:
            self.tables.warn(f"{record.place}: file control: {departure}.")

    def _stray(self, record: Record) -> None:
        what = (
            "a record longer than 94 characters" if not record.whole else "no record type of NACHA (1, 5, 6, 7, 8, 9)"
        )
        if self.batch is None:
            return self._misplaced(record, what)
        self.batch.lines.append(record.text.rstrip())
        return self.batch.fail("bad_record", f"{record.place}: {what}")

    def _misplaced(self, record: Record, what: str) -> None:
        self.tables.reject(
            rule="out_of_place", reason=f"{record.place}: {what}", text=record.text.rstrip(), table="files"
        )
