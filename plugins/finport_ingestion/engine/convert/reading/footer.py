"""The last records of a delimited file that are none: totals and trailers, compared with the data, told, and left out.

A company may be called TOTAL: a record is taken for a footer only where most of its fields are empty, where it has
another number of fields than the others, or where its numbers are the sums of the columns above. Where it merely lacks
a field that all others have, it is set aside for a person to look at.
"""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from finport_ingestion.engine.convert.digits import read_numbers
from finport_ingestion.engine.convert.interface import BadRecord, Batch

_WORD = re.compile(
    r"(?:grand |sub)?totals?|sums?|trailer|trl|tlr|footer|eof|end of file"
    r"|(?:total )?(?:record|row|line)s?(?: ?counts?)?|counts?|number of (?:records|rows|lines)|file creation time"
    r"|(?:gesamt|zwischen)?summen?|gesamt|insgesamt|total (?:general|général)|total[ei]|totaal|somme|suma|razem|celkem"
    r"|összesen|yhteensä|toplam|итого|всего|合計|总计|總計|合计|小计",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"file creation time[: ]+[0-9:. /-]+|\(?[0-9]+ rows?(?:\(s\))?(?: selected| affected| returned)?\.?\)?",
    re.IGNORECASE,
)
"""What programs write below the last record, with a number in it."""
_MOST = 3
_END_MARK = "\x1a"
_ENDS = "the text ends with the end-of-file mark of DOS (0x1A), which is left out"
_COUNTS = re.compile(r"record|row|line|count|trailer|trl|tlr|footer|eof|end of file", re.IGNORECASE)

_COUNT_SAID = re.compile(r"(?:record|row|line)s?\b", re.IGNORECASE)

Reread = Callable[[], Iterable[Batch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Footer:
    row: int
    cells: tuple[str | None, ...]
    in_columns: bool  # as many fields as the others

    @property
    def word(self) -> str:
        return next((cell for cell in self.cells if cell), "")


def without_footers(batches: Iterator[Batch], *, delimiter: Callable[[], str], reread: Reread) -> Iterator[Batch]:
    """The batches without the footers at the end of the last one, and a warning for each.

    Args:
        delimiter: Of the file, once it has been read.
        reread: Gives the batches again, for the sums.
    """
    held: Batch | None = None
    count = 0
    for batch in batches:
        if held is not None:
            count += held.columns.num_rows + len(held.bad)
            yield held
        held = batch
    if held is not None:
        yield _trimmed(_without_end_mark(held), before=count, delimiter=delimiter(), reread=reread)


def _without_end_mark(batch: Batch) -> Batch:
    """The last batch without the 0x1A that DOS ends a text with, which is no record."""
    count = batch.columns.num_rows
    last = max((bad.row for bad in batch.bad), default=0)
    if batch.bad and batch.bad[-1].text.strip() == _END_MARK and (not count or batch.rows[count - 1].as_py() < last):
        return dataclasses.replace(batch, bad=batch.bad[:-1], notes=(*batch.notes, _ENDS))
    if batch.columns.num_columns == 1 and count and batch.columns.column(0)[count - 1].as_py() == _END_MARK:
        columns, rows = batch.columns.slice(0, count - 1), batch.rows.slice(0, count - 1)
        return dataclasses.replace(batch, columns=columns, rows=rows, looked={}, notes=(*batch.notes, _ENDS))
    return batch


def _trimmed(batch: Batch, *, before: int, delimiter: str, reread: Reread) -> Batch:
    found: list[_Footer] = []
    doubtful: list[BadRecord] = []
    for footer in _candidates(batch, delimiter, before=before):
        if _looks_like_one(footer, batch.columns.num_columns, reread):
            found.append(footer)
        elif _lacks_what_others_have(footer, batch):
            doubtful.append(_set_aside(footer, delimiter))
        else:
            break
    if not found and not doubtful:
        return batch
    rows = {footer.row for footer in found} | {bad.row for bad in doubtful}
    keep = pa.array([row not in rows for row in batch.rows.to_pylist()], pa.bool_())
    columns = batch.columns.filter(keep)
    bad = (*(bad for bad in batch.bad if bad.row not in rows), *reversed(doubtful))
    count = before + columns.num_rows + len(bad)
    names = batch.columns.schema.names
    return dataclasses.replace(
        batch,
        columns=columns,
        rows=batch.rows.filter(keep),
        bad=bad,
        looked={},  # it was looked at with the footers
        warnings=(*batch.warnings, *(_told(footer, names, count, reread, rows) for footer in reversed(found))),
    )


def _candidates(batch: Batch, delimiter: str, *, before: int) -> Iterator[_Footer]:
    """The last records, from the end, as long as their first text is a footer's word; or the last one, if it counts."""
    records: dict[int, _Footer] = {}
    for at in range(max(batch.columns.num_rows - _MOST, 0), batch.columns.num_rows):
        cells = tuple(column[at].as_py() for column in batch.columns.columns)
        row = batch.rows[at].as_py()
        records[row] = _Footer(row=row, cells=cells, in_columns=True)
    for bad in batch.bad[-_MOST:]:
        if bad.rule == "field_count":
            records[bad.row] = _Footer(row=bad.row, cells=_cells(bad, delimiter), in_columns=False)
    last = max([*batch.rows.slice(max(len(batch.rows) - 1, 0)).to_pylist(), *(bad.row for bad in batch.bad)], default=0)
    count = before + batch.columns.num_rows + len(batch.bad) - 1
    if count and last in records and not records[last].in_columns and records[last].cells == (str(count),):
        yield records[last]
        last -= 1
    while last in records and (_WORD.match(_bare(records[last])) or _is_said(records[last])):
        yield records[last]
        last -= 1


def _cells(bad: BadRecord, delimiter: str) -> tuple[str | None, ...]:
    fields = next(csv.reader([bad.text.splitlines()[0] if bad.text else ""], delimiter=delimiter or ","), [])
    return tuple(field or None for field in fields)


def _bare(footer: _Footer) -> str:
    return footer.word.strip(" :*-=#")


def _is_said(footer: _Footer) -> bool:
    """A remark that a program makes, with nothing beside it."""
    alone = sum(cell is not None for cell in footer.cells) == 1
    return alone and _SAID.fullmatch(footer.word.strip()) is not None


def _looks_like_one(footer: _Footer, width: int, reread: Reread) -> bool:
    if _is_said(footer):
        return True
    if not _WORD.fullmatch(_bare(footer)) and footer.in_columns:
        return False
    filled = sum(cell is not None for cell in footer.cells)
    if not footer.in_columns or (width > 1 and filled * 2 <= width):
        return True
    sums = _sums(reread(), footer, {footer.row})
    return bool(sums) and all(stated == found for stated, found in sums.values())


def _lacks_what_others_have(footer: _Footer, batch: Batch) -> bool:
    if not footer.in_columns or not _WORD.fullmatch(_bare(footer)):
        return False
    return any(
        cell is None and column.null_count == 1 and len(column) > 1
        for cell, column in zip(footer.cells, batch.columns.columns, strict=True)
    )


def _set_aside(footer: _Footer, delimiter: str) -> BadRecord:
    reason = f"record {footer.row}: looks like a footer, but its numbers are not the sums of the columns"
    text = delimiter.join(cell or "" for cell in footer.cells)
    return BadRecord(row=footer.row, rule="footer", reason=reason, text=text)


def _told(footer: _Footer, names: Sequence[str], count: int, reread: Reread, rows: set[int]) -> str:
    start = f"record {footer.row} is the footer '{footer.word.strip()[:40]}' and is kept out of the data"
    numbers = [number for cell in footer.cells if (number := _number(cell)) is not None]
    numbers = numbers or _counted(footer)
    if numbers and (_COUNTS.search(footer.word) or len(footer.cells) == 1):
        if count in numbers:
            return f"{start}; its count of {count} records is right"
        if not footer.in_columns:
            return f"{start}; it counts {numbers[0]} records, but there are {count}"
    sums = _sums(reread(), footer, rows) if footer.in_columns else {}
    wrong = [
        f"{names[at]} is {stated}, but the records sum to {found}"
        for at, (stated, found) in sums.items()
        if stated != found
    ]
    if wrong:
        return f"{start}; its {'; its '.join(wrong)}"
    return f"{start}; its sums are right" if sums else start


def _counted(footer: _Footer) -> list[Decimal]:
    """The number in a remark such as `(12 rows)` or `Trailer record count 12`; not the time of another one."""
    found = re.findall("[0-9]+", footer.word)
    return [Decimal(found[0])] if len(found) == 1 and _COUNT_SAID.search(footer.word) else []


def _sums(batches: Iterable[Batch], footer: _Footer, rows: set[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """By column of numbers: what the footer states, and the sum of the records above it."""
    stated = {at: number for at, cell in enumerate(footer.cells) if (number := _number(cell)) is not None}
    sums: dict[int, Decimal] = dict.fromkeys(stated, Decimal(0))
    for batch in batches:
        keep = pa.array([row not in rows for row in batch.rows.to_pylist()], pa.bool_())
        for at in list(sums):
            values = batch.columns.column(at).filter(keep).drop_null()
            if len(values) == 0:
                continue
            numbers = read_numbers(values)
            if numbers is None or numbers.unscaled is None:
                del sums[at]
                continue
            sums[at] += Decimal(sum(numbers.unscaled.tolist())).scaleb(-numbers.scale)
    return {at: (stated[at], found) for at, found in sums.items()}


def _number(cell: str | None) -> Decimal | None:
    try:
        found = Decimal((cell or "").replace(",", "").strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
