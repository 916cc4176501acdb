"""The table of a sheet, as typed columns, and everything that a person should know of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.names import unique_names
from finport_ingestion.engine.convert.reading.sheet_columns import Place, Typed, typed_column
from finport_ingestion.engine.convert.reading.sheet_grid import Cell, Merge, Row, Sheet, column_letters, text_of
from finport_ingestion.engine.convert.reading.sheet_layout import Layout, Wanted, find_layout, rows_said

_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetTable:
    """The records of a sheet."""

    name: str
    columns: pa.RecordBatch
    originals: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A column that is kept."""

    name: str
    delivered: str
    column: int  # of the sheet, from 0


def table_of(sheet: Sheet, *, wanted: Wanted) -> SheetTable:
    """The table that a sheet holds."""
    layout = find_layout(sheet.rows, sheet=sheet.name, wanted=wanted)
    body: list[tuple[Cell, ...]] = list(itertools.zip_longest(*sheet.rows[layout.first : layout.end]))
    filled = [column for column, cells in enumerate(body) if any(cell is not None and cell != "" for cell in cells)]
    names = named_columns(layout.header, filled)
    nothing: tuple[Cell, ...] = (None,) * (layout.end - layout.first)
    typed = [
        typed_column(
            body[found.column] if found.column < len(body) else nothing,
            name=found.name,
            place=Place(sheet=sheet.name, first_row=layout.first, column=found.column),
        )
        for found in names
    ]
    return assembled(sheet, layout, names, typed)


def named_columns(header: Row | None, filled: Sequence[int]) -> list[Named]:
    """The columns that have a name or a value."""
    texts = [_one_line(cell) for cell in header or ()]
    kept = sorted({*filled, *(column for column, text in enumerate(texts) if text)})
    delivered = [texts[column] if column < len(texts) else "" for column in kept]
    spelled = [(text_of(header[column]) or "") if header and column < len(header) else "" for column in kept]
    return [
        Named(name=name, delivered=as_is, column=column)
        for name, as_is, column in zip(unique_names(delivered), spelled, kept, strict=True)
    ]


def assembled(sheet: Sheet, layout: Layout, names: Sequence[Named], typed: Sequence[Typed]) -> SheetTable:
    """The table of its columns; totals are compared, and what is odd is told."""
    said = f"sheet '{sheet.name}':"
    columns = _record_batch([found.name for found in names], [found.values for found in typed])
    warnings = [*sheet.warnings, *layout.warnings]
    warnings += [sentence for found in typed for sentence in found.warnings]
    warnings += _totals_told(said, layout, names, columns)
    warnings += _blank_told(said, layout.first, columns)
    warnings += _merges_told(said, layout, sheet.merges)
    warnings += _gap_told(said, layout, names)
    notes = [*sheet.notes, *(sentence for found in typed for sentence in found.notes)]
    notes += [f"{said} is hidden"] if sheet.hidden else []
    if layout.header_row is None and columns.num_rows:
        notes.append(f"{said} no header row can be told; its columns are numbered")
    return SheetTable(
        name=sheet.name,
        columns=columns,
        originals={found.name: found.delivered for found in names if found.delivered not in ("", found.name)},
        warnings=tuple(warnings),
        notes=tuple(notes),
        facts=layout.facts,
    )


def _record_batch(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.RecordBatch:
    if not names:
        return pa.RecordBatch.from_struct_array(pa.array([], pa.struct([])))
    return pa.RecordBatch.from_arrays(list(columns), names=list(names))


def _one_line(cell: Cell) -> str:
    """The name that a header cell gives: its line breaks are layout."""
    return " ".join((text_of(cell) or "").split())


def _totals_told(said: str, layout: Layout, names: Sequence[Named], columns: pa.RecordBatch) -> Iterator[str]:
    for at, row in layout.totals.items():
        agree, differ = list[str](), list[str]()
        for found, values in zip(names, columns.columns, strict=True):
            stated = row[found.column] if found.column < len(row) else None
            if not _is_number(stated) or not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
                continue
            total = pc.sum(values, min_count=0).as_py()
            same = math.isclose(float(str(stated)), total, rel_tol=1e-9, abs_tol=0.005)
            (agree if same else differ).append(
                f"'{found.name}'"
                if same
                else f"'{found.name}' (states {text_of(stated)}, the records add up to {total})"
            )
        told = [f"agrees with the records in {', '.join(agree)}"] if agree else []
        told += [f"differs in {', '.join(differ)}"] if differ else []
        yield f"{said} row {at + 1} is a total and is kept out of the records{': ' if told else ''}{'; '.join(told)}"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _blank_told(said: str, first: int, columns: pa.RecordBatch) -> Iterator[str]:
    if not columns.num_rows or not all(column.null_count for column in columns.columns):
        return
    blank = np.ones(columns.num_rows, dtype=bool)
    for column in columns.columns:
        blank &= column.is_null().to_numpy(zero_copy_only=False)
    if blank.any():
        rows = [first + int(at) for at in np.flatnonzero(blank)]
        yield (
            f"{said} blank within the table, and kept as records without values: {rows_said(rows)}; "
            "what stands below may be another table"
        )


def _merges_told(said: str, layout: Layout, merges: Sequence[Merge]) -> Iterator[str]:
    inside = [merge for merge in merges if layout.first <= merge.last_row and merge.first_row < layout.end]
    if inside:
        some = ", ".join(map(str, inside[:_TOLD])) + (f" and {len(inside) - _TOLD} more" if len(inside) > _TOLD else "")
        yield f"{said} merged cells are not filled: the value stands in the first cell only ({some})"


def _gap_told(said: str, layout: Layout, names: Sequence[Named]) -> Iterator[str]:
    """Tables side by side show by an empty column between them."""
    places = [found.column for found in names]
    gaps = [at for at in range(1, len(places)) if places[at] - places[at - 1] > 1]
    if layout.header is None or not any(at >= 2 and len(places) - at >= 2 for at in gaps):
        return
    edges = [0, *gaps, len(places)]
    parts = [
        f"{column_letters(places[start])} to {column_letters(places[end - 1])}"
        for start, end in itertools.pairwise(edges)
    ]
    yield f"{said} columns {', '.join(parts)} stand apart, as tables side by side do; they are kept as one table"
