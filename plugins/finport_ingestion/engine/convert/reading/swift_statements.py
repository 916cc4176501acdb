"""The statements of a piece of MT940, 941, 942 or 950: which field belongs to which, and what each says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.reading.swift_scan import Fields, Flags, Ints, find_fields
from finport_ingestion.engine.convert.reading.swift_values import AMOUNT, Balances

# A statement ends with a line that begins with a dash, or where the next message begins. ING writes -XXX.
_END = re.compile(rb"\n(?:-\}|-XXX|-[ \t\x01\x03]*(?=\n|$)|(?=\{1:))")
_TRAILER = re.compile(rb"-?\}?(?:XXX)?\s*(\{5:(?:[^{}]|\{[^{}]*\})*\}(?:\{S:(?:[^{}]|\{[^{}]*\})*\})?)?")
_NO_HEADER = b"$ \t\n\r\x01\x03"
_TYPE = re.compile(r"\{2:[IO](\d{3})|^\s*(94[0-2]|950)\b", re.MULTILINE)
_LINE = (
    r"(?s)^(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?(?P<mark>R?[CD]|E[CD])(?P<funds>[A-Z])?"
    rf"(?P<amount>{AMOUNT}) ?(?P<type>[A-Z][A-Z0-9 ]{{3}})(?P<reference>[^\n]*?)"
    r"(?://(?P<bank>[^\n]*))?(?:\n(?P<more>.*))?$"
)
ONCE = ("20", "21", "25", "25P", "28", "28C", "60F", "60M", "62F", "62M", "64", "13D", "90D", "90C")
_SOME = ("61", "86", "65", "34F")
_CODES = pa.array([*ONCE, *_SOME])
_OTHER = -1


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a statement is set aside."""

    field: int
    rule: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Statements:
    """All statements of one piece of text, in order."""

    fields: Fields
    codes: Ints  # of each field: which of the known tags; -1 for others
    statement: Ints  # of each field: which statement
    texts: pa.StringArray  # of each field
    begins: Ints  # the first field of each statement
    headers: list[str | None]
    trailers: list[str | None]
    rest: str | None  # what stands behind the last one: the header of the next
    faults: dict[int, Fault] = field(default_factory=dict)  # by statement

    @staticmethod
    def of(content: bytes, *, header: str | None) -> Statements:
        """Take apart `content`, which ends behind a statement.

        Args:
            header: What stood before it, of the message of its first statement.
        """
        fields = find_fields(content)
        codes = _codes(fields)
        real = ~_within_details(fields, codes)
        if not real.all():
            fields, codes = fields.chosen(real), codes[real]
        first = codes == code_of("20")
        if len(first):
            first[0] = True
        begins = np.flatnonzero(first)
        ends, headers, trailers = _outside(fields, begins)
        before = _text(content[: int(fields.begins[0]) if len(fields) else len(content)])
        headers.insert(0, "\n".join(part for part in (header, before) if part) or None)
        return Statements(
            fields=fields,
            codes=codes,
            statement=np.cumsum(first) - 1,
            texts=fields.texts(ends, blanks=codes != code_of("86")),
            begins=begins,
            headers=headers[: len(begins)],
            trailers=trailers,
            rest=headers[-1],
        )

    def __len__(self) -> int:
        return len(self.begins)

    def firsts(self, *tags: str) -> Ints:
        """Of each statement the first field with one of the tags; -1 for none."""
        found = np.full(len(self), -1, np.int64)
        fields = np.flatnonzero(np.isin(self.codes, [code_of(tag) for tag in tags]))
        found[self.statement[fields[::-1]]] = fields[::-1]
        return found

    def all(self, tag: str) -> Ints:
        """Every field with a tag."""
        return np.flatnonzero(self.codes == code_of(tag))

    def column(self, fields: Ints) -> pa.StringArray:
        """The texts of some fields; null for -1."""
        return self.texts.take(pa.array(fields, mask=fields < 0))

    def again(self) -> Ints:
        """Fields that come again where a statement has one of them: the first one counts."""
        fields = np.flatnonzero((self.codes >= 0) & (self.codes < len(ONCE)))
        keys = self.statement[fields] * len(ONCE) + _SAME[self.codes[fields]]
        _, first = np.unique(keys, return_index=True)
        again = np.ones(len(fields), np.bool_)
        again[first] = False
        return fields[again]

    def balances(self, *tags: str) -> tuple[Ints, Balances]:
        """The first balance with one of the tags in each statement; a wrong one sets its statement aside."""
        fields = self.firsts(*tags)
        found = Balances.of(self.column(fields))
        wrong = np.flatnonzero((fields >= 0) & found.date.is_null().to_numpy(zero_copy_only=False))
        for statement in wrong.tolist():
            self.fault(int(fields[statement]), "balance", "is no balance: C or D, date, currency, amount")
        return fields, found

    def lines(self) -> tuple[Ints, pa.StructArray]:
        """The fields with transactions, taken apart."""
        fields = self.all("61")
        parts = pc.extract_regex(self.column(fields), pattern=_LINE)
        for place in np.flatnonzero(parts.is_null().to_numpy(zero_copy_only=False)).tolist():
            self.fault(int(fields[place]), "transaction", "is not built as a transaction: dates, mark, amount, type")
        return fields, parts

    def details(self, lines: Ints) -> tuple[pa.StringArray, pa.StringArray]:
        """Information to the account owner of each transaction, and of each statement.

        Args:
            lines: The fields of the transactions.
        """
        fields = self.all("86")
        places = np.where(self.codes != code_of("86"), np.arange(len(self.codes)), -1)
        owners = np.maximum.accumulate(places)[fields] if len(fields) else fields
        of_lines = self.codes[owners] == code_of("61")
        rows = np.searchsorted(lines, owners[of_lines])
        return (
            self._joined(fields[of_lines], rows, len(lines)),
            self._joined(fields[~of_lines], self.statement[fields[~of_lines]], len(self)),
        )

    def _joined(self, fields: Ints, rows: Ints, count: int) -> pa.StringArray:
        """The texts of fields in their rows, those of one row as its lines."""
        places = np.full(count, -1, np.int64)
        places[rows[::-1]] = fields[::-1]
        texts = self.column(places)
        again = places[rows] != fields
        if not again.any():
            return texts
        listed: list[str | None] = texts.to_pylist()
        for row, text in zip(rows[again].tolist(), self.column(fields[again]).to_pylist(), strict=True):
            listed[row] = f"{listed[row]}\n{text}"
        return pa.array(listed, pa.string())

    def fault(self, number: int, rule: str, reason: str) -> None:
        """Set aside the statement of a field; its first fault is told."""
        self.faults.setdefault(int(self.statement[number]), Fault(number, rule, reason))

    def good(self) -> Flags:
        """Which statements are whole."""
        good = np.ones(len(self), np.bool_)
        good[list(self.faults)] = False
        return good

    def message_types(self) -> list[str | None]:
        """What the headers say of the messages' types."""
        found = [_TYPE.search(header) if header else None for header in self.headers]
        return [(match[1] or match[2]) if match else None for match in found]

    def source(self, statement: int) -> str:
        """A statement's text."""
        begin = int(self.fields.begins[self.begins[statement]])
        last = statement + 1 == len(self)
        end = len(self.fields.content) if last else int(self.fields.begins[self.begins[statement + 1]])
        return self.fields.content[begin:end].decode("utf-8", "backslashreplace").rstrip()


# Fields of which a statement has one, under either tag.
_SAME = np.array([ONCE.index({"25P": "25", "28": "28C", "60M": "60F", "62M": "62F"}.get(tag, tag)) for tag in ONCE])


def code_of(tag: str) -> int:
    """The number that stands for a known tag."""
    return (*ONCE, *_SOME).index(tag)


# Of fields that never follow `:86:`, but for a new statement: what else they may be there is minutes.
_LIKE_MINUTES = [code_of(tag) for tag in ("20", "21", "25", "28")]
_BEHIND_REFERENCE = frozenset(code_of(tag) for tag in ("21", "25", "25P", "28", "28C", "13D"))
_SECONDS = re.compile(rb"[0-5][0-9](?![0-9])")


def _codes(fields: Fields) -> Ints:
    found = pc.index_in(fields.tags, value_set=_CODES).fill_null(_OTHER)
    codes: Ints = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _within_details(fields: Fields, codes: Ints) -> Flags:
    """Lines that only look like fields: a time of day that was cut in `:86:` goes on with `:26:37`."""
    known = np.maximum.accumulate(np.where(codes != _OTHER, np.arange(len(codes)), -1))
    after = (codes == _OTHER) & (known >= 0) & (codes[known] == code_of("86")) if len(codes) else codes == 0
    digits: Flags = pc.match_substring_regex(fields.tags, "^[0-9]{2}$").to_numpy(zero_copy_only=False)
    flags: Flags = after & digits
    places = np.flatnonzero(~flags)
    found = codes[places]
    likely = np.isin(found[1:], _LIKE_MINUTES) & (found[:-1] == code_of("86"))
    for at in (np.flatnonzero(likely) + 1).tolist():
        follows = int(found[at + 1]) if at + 1 < len(found) else _OTHER
        place = int(places[at])
        begins_statement = found[at] == code_of("20") and follows in _BEHIND_REFERENCE
        if not begins_statement and _SECONDS.match(fields.content, int(fields.values[place])):
            flags[place] = True
    return flags


def _outside(fields: Fields, begins: Ints) -> tuple[Ints, list[str | None], list[str | None]]:
    """Where the values end, and the headers and trailers behind each statement's last field."""
    ends = fields.ends.copy()
    headers: list[str | None] = []
    trailers: list[str | None] = []
    for last in (np.append(begins[1:], len(fields)) - 1).tolist() if len(begins) else ():
        end = int(ends[last])
        found = _END.search(fields.content, int(fields.values[last]), end)
        if found is None:
            headers.append(None)
            trailers.append(None)
            continue
        ends[last] = found.start()
        rest = fields.content[found.start() + 1 : end]
        trailer = _TRAILER.match(rest)
        trailers.append(_text(trailer[1] or b"") if trailer else None)
        headers.append(_text(rest[trailer.end() :] if trailer else rest))
    return ends, headers, trailers


def _text(content: bytes) -> str | None:
    return content.strip(_NO_HEADER).decode("utf-8", "replace") or None
