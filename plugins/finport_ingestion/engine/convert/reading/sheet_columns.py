"""Columns of cells as typed Arrow arrays: the one type that all cells have, else text with each cell's exact words."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.convert.infer import names_an_identifier
from finport_ingestion.engine.convert.reading.sheet_grid import (
    Cell,
    DurationCell,
    ErrorCell,
    address,
    digits_of,
    text_of,
)

_MOST_EXACT = 1 << 53
_TOLD = 5  # addresses in a sentence
_KINDS: dict[type, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    dt.date: "date",
    dt.datetime: "date",
    dt.time: "time",
    dt.timedelta: "duration",
    DurationCell: "duration",
    ErrorCell: "error",
    type(None): "empty",
}
_LEAP_BUG = dt.date(1900, 2, 28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the values of a column stand, for sentences."""

    sheet: str
    first_row: int  # of the values, from 0
    column: int  # from 0

    def of(self, index: int) -> str:
        return address(self.first_row + index, self.column)


@dataclass(frozen=True, slots=True)
class Typed:
    """The values of a column, and what a person should know of them."""

    values: pa.Array
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def typed_column(cells: Sequence[Cell], *, name: str, place: Place) -> Typed:
    """`cells` as the type that they all have."""
    cells = [None if cell == "" else cell for cell in cells]
    kinds = {_KINDS[found] for found in set(map(type, cells))} - {"empty"}
    if not kinds:
        return Typed(pa.nulls(len(cells)))
    if kinds == {"text"}:
        return Typed(pa.array(cells, pa.string()))
    if kinds <= {"text", "error"}:
        return Typed(pa.array(list(map(text_of, cells)), pa.string()), _errors_told(cells, name, place, kept=True))
    if len(kinds - {"error"}) > 1:
        return _mixed(cells, name, place)
    told = _errors_told(cells, name, place, kept=False) if "error" in kinds else ()
    if told:
        cells = [None if isinstance(cell, ErrorCell) else cell for cell in cells]
    found = _of_one_kind(cells, next(iter(kinds - {"error"})), name, place)
    return Typed(found.values, (*told, *found.warnings), found.notes)


def typed_numbers(values: pa.DoubleArray, *, name: str, place: Place) -> Typed:
    """Binary numbers as integers where all are, as digits where the name says that they identify something."""
    plain = values.drop_null().to_numpy(zero_copy_only=False)
    whole = bool(np.all(np.floor(plain) == plain))
    fits = whole and bool(np.all(np.abs(plain) <= _MOST_EXACT))
    if whole and names_an_identifier(name):
        if fits:
            return Typed(values.cast(pa.int64()).cast(pa.string()))
        said = f"{_said(name, place)} holds identifiers of more digits than a spreadsheet's number keeps: ask for text"
        return Typed(pa.array([None if v is None else digits_of(v) for v in values.to_pylist()], pa.string()), (said,))
    return Typed(values.cast(pa.int64()) if fits else values)


def typed_moments(values: pa.TimestampArray, *, name: str, place: Place) -> Typed:
    """Moments (in microseconds) as dates where all are midnight."""
    days = values.cast(pa.date32(), safe=False)
    at_midnight = pc.all(pc.equal(days.cast(pa.timestamp("us")), values), min_count=0).as_py()
    leap = pc.index(days, pa.scalar(_LEAP_BUG, pa.date32())).as_py()
    told: tuple[str, ...] = ()
    if leap >= 0:
        said = f"{_said(name, place)}: {place.of(leap)} is read as 28 February 1900; Excel also stores its 29 February"
        told = (f"{said} 1900, a day that never was, and the two cannot be told apart",)
    return Typed(days if at_midnight else values, told)


def _of_one_kind(cells: Sequence[Cell], kind: str, name: str, place: Place) -> Typed:
    if kind == "number":
        return typed_numbers(pa.array(cells, pa.float64()), name=name, place=place)
    if kind == "date":
        return typed_moments(pa.array(map(_moment, cells), pa.timestamp("us")), name=name, place=place)
    if kind == "duration":
        note = f"{_said(name, place)} holds durations; they are kept as text"
        return Typed(pa.array(list(map(text_of, cells)), pa.string()), notes=(note,))
    return Typed(pa.array(cells, pa.time64("us") if kind == "time" else pa.bool_()))


def _mixed(cells: Sequence[Cell], name: str, place: Place) -> Typed:
    kinds = [_KINDS[type(cell)] for cell in cells]
    counts = Counter(kind for kind in kinds if kind != "empty")
    usual = counts.most_common(1)[0][0]
    odd = next(at for at, kind in enumerate(kinds) if kind not in (usual, "empty"))
    said = (
        f"{_said(name, place)} mixes {_listed(counts)}; it is kept as text: {place.of(odd)} is the first {kinds[odd]}"
    )
    told = (said, *_errors_told(cells, name, place, kept=True))
    return Typed(pa.array(list(map(text_of, cells)), pa.string()), told)


def _errors_told(cells: Sequence[Cell], name: str, place: Place, *, kept: bool) -> tuple[str, ...]:
    found = [(at, cell) for at, cell in enumerate(cells) if isinstance(cell, ErrorCell)]
    if not found:
        return ()
    some = ", ".join(f"{place.of(at)} {cell}" for at, cell in found[:_TOLD])
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    made = "kept as text" if kept else "made null"
    return (f"{_said(name, place)} has {len(found)} error cells, {made}: {some}{more}",)


def _moment(cell: Cell) -> dt.datetime | None:
    if cell is None or isinstance(cell, dt.datetime):
        return cell
    assert isinstance(cell, dt.date)
    return dt.datetime.combine(cell, dt.time())


def _said(name: str, place: Place) -> str:
    return f"sheet '{place.sheet}': column '{name}'"


def _listed(kinds: Iterable[str]) -> str:
    words = [kind if kind == "text" else f"{kind}s" for kind in sorted(kinds)]
    return f"{', '.join(words[:-1])} and {words[-1]}"
