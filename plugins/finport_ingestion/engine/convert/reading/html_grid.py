"""Tables of a web page as batches of texts: which rows name the columns, which are records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.html_page import HtmlTable, Reading, tables_of
from finport_ingestion.engine.convert.reading.sheet_footer import is_total
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, Row
from finport_ingestion.engine.convert.reading.sheet_header import find_header
from finport_ingestion.engine.convert.reading.sheet_layout import HEAD, rows_said
from finport_ingestion.engine.errors import FormatError

_ROWS = 65_536
_MOST_CELLS = 20_000_000
_QUOTED = 120
_NUMBER = re.compile(
    r"[-+(\u2212]?\s*(?:[$\u20ac\u00a3\u00a5]|[A-Z]{3})?\s*[-+]?\d[\d.,' ]*\s*%?\)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """A table, cut into what it is made of."""

    names: list[str]
    delivered: list[str]
    records: list[list[str]]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def read_html(
    raw: RawFile, *, encoding: str | None = None, header: bool = True, line_break: str = ""
) -> Iterator[Batch]:
    """Every record of every table of data, in the page's order.

    Raises:
        FormatError: It is no page, has no table, is cut within one, or is larger than the limits.
    """
    if raw.size_bytes == 0:
        if raw.may_be_empty:
            return
        raise FormatError(f"{raw.uri}: is empty.", offset_bytes=0, hint="ask for the file again")
    raw.refuse_if_larger_than_memory()
    tables, others, broken = tables_of(raw, Reading(encoding=encoding, line_break=line_break, most_cells=_MOST_CELLS))
    notes = [f"{others} tables of the page's layout are left out"] if others else []
    warnings = ["some bytes are not of the page's encoding; they are shown as \ufffd"] if broken else []
    for table in tables:
        warnings += [*_glued_told(table), *_hidden_told(table)]
        yield from _batches(table, header, notes, warnings, size_bytes=raw.size_bytes // len(tables))
        notes, warnings = [], []


def _glued_told(table: HtmlTable) -> list[str]:
    if not table.glued:
        return []
    said = f"table '{table.name}': in {table.glued} cells a line break stands between two words"
    return [f"{said}, which leaves no mark in the text: state 'lineBreak' to have one"]


def _hidden_told(table: HtmlTable) -> list[str]:
    if not table.hidden:
        return []
    return [f"table '{table.name}': {table.hidden} cells that are hidden on the screen are left out"]


def _batches(
    table: HtmlTable, header: bool, notes: Sequence[str], warnings: Sequence[str], *, size_bytes: int
) -> Iterator[Batch]:
    cut = _cut(table, header)
    count = len(cut.records)
    for start in range(0, max(count, 1), _ROWS):
        some = cut.records[start : start + _ROWS]
        columns = list(zip(*some, strict=True)) if some else [() for _ in cut.names]
        arrays = [pa.array([text or None for text in column], pa.string()) for column in columns]
        yield Batch(
            table=table.name,
            columns=pa.RecordBatch.from_arrays(arrays, names=cut.names),
            rows=pa.array(np.arange(start + 1, start + len(some) + 1)),
            originals={n: d for n, d in zip(cut.names, cut.delivered, strict=True) if n != d},
            size_bytes=size_bytes * len(some) // max(count, 1),
            notes=(*notes, *cut.notes) if start == 0 else (),
            warnings=(*warnings, *cut.warnings) if start == 0 else (),
        )


def _cut(table: HtmlTable, header: bool) -> _Cut:
    width = max(map(len, table.rows), default=0)
    rows = [[*row, *[""] * (width - len(row))] for row in table.rows]
    said = f"table '{table.name}':"
    named = _header_rows(table, rows) if header else range(0)
    above = [at for at in range(named.start) if any(rows[at])]
    end = _end(table, rows, named)
    below = [at for at in range(end, len(rows)) if any(rows[at])]
    headings = [at for at in table.headings if named.stop <= at < end]
    out = {*headings, *(at for at in range(named.stop, end) if not any(rows[at]))}
    warnings = []
    if named.start or len(named) > 1:
        warnings.append(f"{said} the header is {rows_said(named)}{', and its words are joined' if named[1:] else ''}")
    for what, places in (("above the records", above), ("below the records", below), ("that are headings", headings)):
        if places:
            warnings.append(f"{said} {rows_said(places)} {what} left out: {_quoted(rows, places)}")
    delivered = [
        " ".join(dict.fromkeys(rows[at][column] for at in named if rows[at][column])) for column in range(width)
    ]
    records = [rows[at] for at in range(named.stop, end) if at not in out]
    kept = [c for c in range(width) if delivered[c] or any(row[c] for row in records)]
    notes = [f"{said} {table.spans} cells span several; each of those shows their text"] if table.spans else []
    notes += [] if named or not records else [f"{said} no header row can be told; its columns are numbered"]
    return _Cut(
        names=unique_names([delivered[c] for c in kept]),
        delivered=[delivered[c] for c in kept],
        records=[[row[c] for c in kept] for row in records] if len(kept) < width else records,
        warnings=tuple(warnings),
        notes=tuple(notes),
    )


def _header_rows(table: HtmlTable, rows: Sequence[Sequence[str]]) -> range:
    """The rows of header cells at the top, without titles over the whole width; else as in a spreadsheet."""
    if table.heads:
        start = next((at for at in range(table.heads) if at not in table.headings and any(rows[at])), table.heads - 1)
        return range(start, table.heads)
    found = find_header([_guessed(row) for row in rows[:HEAD]])
    return range(0) if found.row is None else range(found.row, found.data)


def _end(table: HtmlTable, rows: Sequence[Sequence[str]], named: range) -> int:
    """Where the records end: before footers, notes over the whole width, and totals."""
    end = len(rows) - table.feet
    while end > named.stop and (not any(rows[end - 1]) or end - 1 in table.headings):
        end -= 1
    while named and end - 1 > named.stop and is_total(_guessed(rows[end - 1])):
        end -= 1
    return end


def _guessed(row: Sequence[str]) -> Row:
    """What looks like a number or a day stands for one, so that words can be told from values."""
    cells: list[Cell] = [0.5 if _NUMBER.fullmatch(text) else text for text in row]
    return cells


def _quoted(rows: Sequence[Sequence[str]], places: Sequence[int]) -> str:
    text = " | ".join(" ".join(dict.fromkeys(filter(None, rows[at]))) for at in places)
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "\u2026"
