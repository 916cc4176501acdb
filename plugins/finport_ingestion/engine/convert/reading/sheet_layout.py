"""Where the table of a sheet is: its header, its records, and what stands around them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from finport_ingestion.engine.convert.reading.sheet_footer import find_footer, is_total
from finport_ingestion.engine.convert.reading.sheet_grid import Row, is_empty, text_of
from finport_ingestion.engine.convert.reading.sheet_header import Header, fill, find_header, typed_columns

HEAD, TAIL = 200, 100
_TOLD = 10  # row numbers in a sentence
_QUOTED, _KEPT = 120, 1000  # characters of rows that are left out: in a sentence, in the facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the document says of the layout."""

    header: str | int = "auto"  # or "none", or the row from 1
    skip_rows: int = 0
    footer: str = "auto"  # or "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Rows are from 0 and of the sheet; the records are `first` to `end` without it."""

    header: Row | None
    header_row: int | None
    first: int
    end: int
    totals: Mapping[int, Row] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def find_layout(rows: Sequence[Row], *, sheet: str, wanted: Wanted) -> Layout:
    """The layout of a sheet, with sentences about every row that is left out."""
    height = len(rows)
    while height and not fill(rows[height - 1]):
        height -= 1
    layout = head_layout(rows[: min(HEAD, height)], height=height, sheet=sheet, wanted=wanted)
    start = layout.first if height - layout.first <= HEAD + TAIL else height - TAIL
    columns = typed_columns([*rows[layout.first : layout.first + HEAD], *rows[start:height]])
    return with_footer(layout, rows[start:height], start=start, columns=columns, sheet=sheet, wanted=wanted)


def head_layout(head: Sequence[Row], *, height: int, sheet: str, wanted: Wanted) -> Layout:
    """The layout as the first rows of a sheet of `height` rows tell it: the records go to its end."""
    header = _header(head, wanted)
    first = min(header.data, height)
    while first < len(head) and not fill(head[first]):
        first += 1
    above = {at: head[at] for at in range(min(first, len(head))) if at != header.row}
    return Layout(
        header=None if header.row is None else head[header.row],
        header_row=header.row,
        first=first,
        end=height,
        warnings=tuple(_told(sheet, header, first, above, head)),
        facts=_facts(sheet, header, above),
    )


def with_footer(
    layout: Layout, rows: Sequence[Row], *, start: int, columns: frozenset[int], sheet: str, wanted: Wanted
) -> Layout:
    """`layout` without what stands below its records.

    Args:
        rows: The last ones of the sheet, of which `start` is the first.
        columns: Those that hold numbers and dates.
    """
    if wanted.footer != "auto" or layout.header is None:
        return layout
    found = find_footer(rows, columns=columns, whole=start == layout.first)
    notes = {start + at: rows[at] for at in found.notes}
    told = [f"sheet '{sheet}': {rows_said(notes)} below the records left out: {_quoted(notes)}"] if notes else []
    facts = {f"notes of '{sheet}'": _quoted(notes, most=_KEPT)} if notes else {}
    return dataclasses.replace(
        layout,
        end=start + found.end,
        totals={start + at: rows[at] for at in found.totals},
        warnings=(*layout.warnings, *told),
        facts={**layout.facts, **facts},
    )


def _header(head: Sequence[Row], wanted: Wanted) -> Header:
    skipped = wanted.skip_rows
    if wanted.header == "none":
        return Header(None, skipped)
    if wanted.header != "auto":
        at = int(wanted.header) - 1
        return Header(at if at < len(head) else None, at + 1)
    found = find_header(head[skipped:])
    return Header(None if found.row is None else found.row + skipped, found.data + skipped)


def _told(sheet: str, header: Header, first: int, above: Mapping[int, Row], head: Sequence[Row]) -> Iterator[str]:
    said = f"sheet '{sheet}':"
    filled = {at: row for at, row in above.items() if fill(row)}
    if header.row is not None and above:
        below = ", below a preamble" if filled and min(filled) < header.row else ""
        yield f"{said} the header is row {header.row + 1}{below}; the records begin in row {first + 1}"
    if header.row is None and above and not filled:
        yield f"{said} blank above the records, which begin in row {first + 1}"
    if filled:
        yield f"{said} {rows_said(filled)} above the records left out: {_quoted(filled)}"
    totals = [at for at in range(first, len(head)) if is_total(head[at])] if header.row is not None else []
    inside = [at for at in totals if any(fill(row) > 1 and not is_total(row) for row in head[at + 1 :])]
    if inside:
        yield f"{said} {rows_said(inside)} among the records looks like a total"


def _facts(sheet: str, header: Header, above: Mapping[int, Row]) -> dict[str, str]:
    facts = {} if header.row is None else {f"header row of '{sheet}'": str(header.row + 1)}
    preamble = _quoted({at: row for at, row in above.items() if fill(row)}, most=_KEPT)
    return facts | ({f"preamble of '{sheet}'": preamble} if preamble else {})


def rows_said(rows: Mapping[int, Row] | Sequence[int]) -> str:
    """`row 3`, `rows 3, 4 and 12 more`."""
    numbers = [str(at + 1) for at in rows]
    some = ", ".join(numbers[:_TOLD]) + (f" and {len(numbers) - _TOLD} more" if len(numbers) > _TOLD else "")
    return f"row{'s' if len(numbers) > 1 else ''} {some}"


def _quoted(rows: Mapping[int, Row], *, most: int = _QUOTED) -> str:
    text = " | ".join(" ".join(text_of(cell) or "" for cell in row if not is_empty(cell)) for row in rows.values())
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "\u2026"
