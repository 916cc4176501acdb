"""Files of account statements (MT940, 941, 942, 950), streamed: as many whole statements at a time as a piece holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.foreign import refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.slices import slices
from finport_ingestion.engine.convert.reading.swift_columns import (
    STATEMENT_TYPES,
    STATEMENTS,
    TRANSACTION_TYPES,
    TRANSACTIONS,
)
from finport_ingestion.engine.convert.reading.swift_scan import Flags, Ints, whole_units, with_line_feeds
from finport_ingestion.engine.convert.reading.swift_statements import Statements
from finport_ingestion.engine.convert.reading.swift_tables import Columns, Tables, tables_of
from finport_ingestion.engine.convert.reading.swift_totals import Balance, complaints
from finport_ingestion.engine.convert.reading.transcoding import Encoding, find_encoding, utf8_chunks
from finport_ingestion.engine.convert.reading.windows import joined
from finport_ingestion.engine.errors import FormatError

_CHUNK_BYTES = 4 << 20
_MAX_BAD_CHARACTERS = 64 << 10
_MOST_WARNINGS = 50
_LONGEST_END = 1024
_EXPECTED = "account statements (MT940, MT942)"
_BEGIN = b"\n:20:"
_ENDED = re.compile(rb"[\r\n]\Z|[\r\n]-[^\r\n]*\Z")  # with a line, or with the mark of a statement's end


def read_statements(raw: RawFile, *, encoding: str | None, table: str = TRANSACTIONS) -> Iterator[Batch]:
    """Every statement and transaction of `raw`.

    Args:
        table: The one that statements are missing from where they are set aside, and that warnings come with.

    Raises:
        FormatError: It is empty, or holds no statement.
    """
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=_EXPECTED)
        found = find_encoding(stream, declared=encoding)
        parser = _File(raw=raw, encoding=found, offset=found.bom_bytes, table=table)
        rest = b""
        for piece, final in joined(utf8_chunks(stream, found, uri=raw.uri, size=_CHUNK_BYTES)):
            content = rest + piece
            end = len(content) if final else _end(content)
            content, rest = content[:end], content[end:]
            parser.refuse_too_long(rest)
            if content:
                yield from parser.take(content, size=len(piece))
        yield from parser.finish()


def sample_statements(raw: RawFile, *, encoding: str | None, size_bytes: int) -> Iterator[Batch]:
    """Statements of the beginning, middle and end of `raw`."""
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected=_EXPECTED)
        found = find_encoding(stream, declared=encoding)
        parser = _File(raw=raw, encoding=found)
        for content, first in slices(stream, found, raw=raw, size_bytes=size_bytes):
            whole = len(content) >= raw.size_bytes
            for batch in parser.take(content if whole else whole_units(content, _BEGIN, first=first), size=0):
                yield replace(batch, bad=())
        for batch in parser.finish():
            yield replace(batch, warnings=())


def _end(content: bytes) -> int:
    """Where the last statement of `content` begins, which may be longer than it is."""
    return max(content.rfind(_BEGIN), content.rfind(b"\r:20:")) + 1


@dataclass(slots=True, kw_only=True)
class _File:
    """Where a pass over one file stands."""

    raw: RawFile
    encoding: Encoding
    table: str = TRANSACTIONS
    offset: int = 0  # of the content in the file, in bytes
    lines: int = 0  # line ends before it
    statements: int = 0  # good and bad ones
    transactions: int = 0
    header: str | None = None  # of the message that the next statement belongs to
    page: tuple[str | None, Balance | None] = (None, None)  # account and closing balance of the last statement
    ended: bool = True
    doubtful: int = 0
    warnings: list[str] = field(default_factory=list)

    def take(self, content: bytes, *, size: int) -> Iterator[Batch]:
        """The statements of `content`."""
        if self.statements == 0:
            refuse_foreign(content[:65_536], raw=self.raw, expected=_EXPECTED)
        plain, broken = _as_text(with_line_feeds(content))
        found = Statements.of(plain, header=self.header)
        for begin in broken:
            number = max(int(np.searchsorted(found.fields.begins, begin, "right")) - 1, 0)
            if len(found):
                found.fault(number, "encoding", "bytes that are not of the file's encoding")
        tables = tables_of(found, first=self.statements + 1, lines=self.lines)
        yield from self._batches(tables, content, size)
        self._compare(tables)
        self.header = found.rest
        self.statements += len(found)
        self.lines += plain.count(b"\n")
        self.offset += len(content)
        self.ended = _ENDED.search(content[-_LONGEST_END:]) is not None

    def finish(self) -> Iterator[Batch]:
        """What is said of the whole file.

        Raises:
            FormatError: It holds no statement.
        """
        if self.statements == 0 and not (self.raw.may_be_empty and self.raw.size_bytes == 0):
            what = "is empty" if self.raw.size_bytes == 0 else "holds no account statement (:20:, :25:, ...)"
            raise FormatError(
                f"{self.raw.uri}: {what}.",
                offset_bytes=0,
                hint="state the right 'format', or ask for the file again; "
                "set quality.minRows to 0 where an empty delivery is right",
            )
        if self.header and self.statements:
            self.warnings.append("what stands behind the last statement is left out")
        if self.statements and not self.ended:
            self.warnings.append("the last line has no end, and no mark (-) ends the last statement: it may be cut")
        if self.doubtful > _MOST_WARNINGS:
            self.warnings.append(f"{self.doubtful - _MOST_WARNINGS} more doubts about balances; see 'reconciles'")
        warnings = tuple(f"{self.raw.uri}: {text}" for text in self.warnings)
        facts = {"encoding": self.encoding.name, "statements": str(self.statements)}
        for table in (STATEMENTS, TRANSACTIONS):
            told = table == self.table
            yield _batch(table, {}, np.arange(0), warnings=warnings if told else (), facts=facts if told else {})

    def refuse_too_long(self, rest: bytes) -> None:
        """Raise FormatError where a statement that is not yet whole is longer than a record may be."""
        if len(rest) > self.raw.limits.record_bytes:
            raise FormatError(
                f"{self.raw.uri}: line {self.lines + 1}: a statement of more than "
                f"{self.raw.limits.record_bytes} bytes.",
                offset_bytes=self.offset,
                hint="raise 'recordBytes' of the policy's 'reading', or ask for the statement in pages",
            )

    def _batches(self, tables: Tables, content: bytes, size: int) -> Iterator[Batch]:
        found, good = tables.found, tables.found.good()
        counts = np.bincount(tables.owners, minlength=len(found)) if len(found) else np.zeros(0, np.int64)
        # A statement that is set aside is one record at least.
        taken = np.where(good, counts, np.maximum(counts, 1))
        before = self.transactions + np.cumsum(taken) - taken
        starts = np.cumsum(counts) - counts
        rows = before[tables.owners] + np.arange(len(tables.owners)) - starts[tables.owners] + 1
        kept = good[tables.owners]
        numbers = self.statements + 1 + np.arange(len(found))
        places = (numbers if self.table == STATEMENTS else before + 1).tolist()
        begins = _line_begins(content) if found.faults else np.zeros(0, np.int64)
        bad = tuple(self._bad(found, number, places[number], begins) for number in sorted(found.faults))
        for table, columns, chosen in (
            (STATEMENTS, _chosen(tables.statements, good), numbers[good]),
            (TRANSACTIONS, _chosen(tables.transactions, kept), rows[kept]),
        ):
            told = table == self.table
            yield _batch(table, columns, chosen, bad=bad if told else (), size_bytes=size if told else 0)
        self.transactions += int(taken.sum())

    def _bad(self, found: Statements, statement: int, row: int, begins: Ints) -> BadRecord:
        fault = found.faults[statement]
        tag = found.fields.tags[fault.field].as_py()
        line = int(found.fields.lines[fault.field])
        place = f"line {self.lines + 1 + line}"
        if self.encoding.is_utf8:
            place += f", byte {self.offset + int(begins[line])}"
        text = found.source(statement)[:_MAX_BAD_CHARACTERS]
        reason = f"{place}, tag :{tag}:: {fault.reason}"
        return BadRecord(row=row, rule=fault.rule, reason=reason, text=text, table=self.table)

    def _compare(self, tables: Tables) -> None:
        """Tell which statements do not fit what they say of themselves."""
        accounts, good = tables.statements["account"].to_pylist(), tables.found.good().tolist()
        lines = tables.statements["line"].to_pylist()
        floors = {int(tables.found.statement[number]) for number in tables.found.all("34F").tolist()}
        again = {int(tables.found.statement[number]): number for number in tables.found.again().tolist()}
        for number, account in enumerate(accounts):
            opening, closing, sums = tables.opening[number], tables.closing[number], tables.sums[number]
            follows = self.page[0] == account and opening is not None and opening.intermediate
            if good[number]:
                doubts = [*complaints(opening, closing, self.page[1] if follows else None, sums)]
                doubts += _wrong_totals(tables, number)
                if opening is None and closing is None and number not in floors:
                    doubts.append("has neither a balance nor the floor limit of an interim report")
                if number in again:
                    tag = tables.found.fields.tags[again[number]].as_py()
                    doubts.append(f"has :{tag}: more than once; the first one is taken, see 'other_fields'")
                for doubt in doubts:
                    self._doubt(f"the statement in line {lines[number]} {doubt}")
            self.page = (account, closing if good[number] else None)

    def _doubt(self, text: str) -> None:
        self.doubtful += 1
        if self.doubtful <= _MOST_WARNINGS:
            self.warnings.append(text)


def _wrong_totals(tables: Tables, number: int) -> Iterator[str]:
    for debit, word in ((True, "debit"), (False, "credit")):
        total = tables.totals.get((number, debit))
        if total is not None and not tables.sums[number].fits(total, debit=debit):
            yield f"states {total.entries} {word} entries of {total.amount:f}, but holds others"


def _as_text(content: bytes) -> tuple[bytes, list[int]]:
    """`content` as UTF-8, with question marks for other bytes, and where those stand."""
    if content.isascii():
        return content, []
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
        wrong = np.flatnonzero(np.frombuffer(text, np.uint8) != np.frombuffer(content, np.uint8))
        return text, wrong.tolist()
    return content, []


def _line_begins(content: bytes) -> Ints:
    """Where each line of `content` begins, whatever ends them."""
    mark = ord("\n") if b"\n" in content else ord("\r")
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == mark)
    return np.append(0, ends + 1).astype(np.int64)


def _chosen(columns: Columns, rows: Flags) -> Columns:
    mask = pa.array(rows)
    return columns if rows.all() else {name: values.filter(mask) for name, values in columns.items()}


def _batch(
    table: str,
    columns: Columns,
    rows: Ints,
    *,
    bad: tuple[BadRecord, ...] = (),
    warnings: tuple[str, ...] = (),
    facts: dict[str, str] | None = None,
    size_bytes: int = 0,
) -> Batch:
    types = STATEMENT_TYPES if table == STATEMENTS else TRANSACTION_TYPES
    arrays = [columns.get(name, pa.array([], pa.string())) for name in types]
    return Batch(
        columns=pa.RecordBatch.from_arrays(arrays, names=list(types)),
        rows=pa.array(rows, pa.int64()),
        table=table,
        types=types,
        bad=bad,
        warnings=warnings,
        facts=facts or {},
        size_bytes=size_bytes,
    )
