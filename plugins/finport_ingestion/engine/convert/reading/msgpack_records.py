"""Records of MessagePack as Arrow columns of the types that all of their values have.

The file is read twice: what its values are, then the values. A column of different kinds is kept as text, and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.convert.nested import Moment, Shape, shape_of, type_of
from finport_ingestion.engine.convert.reading import sparse
from finport_ingestion.engine.convert.reading.foreign import is_html, refuse_foreign, refuse_signature
from finport_ingestion.engine.convert.reading.msgpack_cells import Cells, as_text, cells_of
from finport_ingestion.engine.convert.reading.msgpack_stream import Values
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.errors import FormatError

_ROWS = 4_000
_SAMPLE_ROWS = 10_000
_Placed = tuple[int, Any]  # a record, behind the byte where it begins


def read_msgpack(raw: RawFile, *, only_sample: bool = False) -> Iterator[Batch]:
    """Every record of the file, in order; or the first ones (`only_sample`).

    Raises:
        FormatError: It is empty, no MessagePack, cut, or holds no records.
    """
    _refuse_others(raw)
    values = Values(raw)
    layout = _look(values, raw, most=_SAMPLE_ROWS if only_sample else None)
    warnings = (*layout.warnings, *_of_extensions(values))
    records = islice(iter(values), _SAMPLE_ROWS) if only_sample else iter(values)
    row = 0
    for chunk in _chunks(records, len(layout.types)):
        cells = cells_of(chunk, first=row + 1, nesting=raw.limits.nesting)
        yield Batch(
            columns=layout.columns(cells),
            rows=pa.array(cells.rows, pa.int64()),
            bad=tuple(cells.bad),
            size_bytes=_size(chunk, raw),
            warnings=() if row else warnings,
        )
        row += len(chunk)


def _chunks(records: Iterator[_Placed], columns: int = 0) -> Iterator[list[_Placed]]:
    """Some records at a time, as few as their columns ask for; once none, where there are none."""
    chunk = list(islice(records, _ROWS))
    if not chunk:
        yield chunk
    while chunk:
        names = set().union(*(value for _, value in chunk if type(value) is dict))
        count = max(sparse.BATCH_CELLS // max(len(names), columns, 1), 1)
        yield from (chunk[at : at + count] for at in range(0, len(chunk), count))
        chunk = list(islice(records, _ROWS))


def _refuse_others(raw: RawFile) -> None:
    if raw.size_bytes == 0:
        raise FormatError(
            f"{raw.uri}: is empty.", offset_bytes=0, hint="ask for the file again: an empty array is one byte, 0x90"
        )
    with raw.open() as stream:
        refuse_signature(stream, raw=raw, expected="MessagePack")
        head = stream.read(4096)
    if is_html(head):
        refuse_foreign(head, raw=raw, expected="MessagePack")


@dataclass(slots=True)
class _Layout:
    """The columns of a file."""

    types: dict[str, pa.DataType] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)  # columns that are kept as text, since their values are mixed
    warnings: tuple[str, ...] = ()

    def columns(self, cells: Cells) -> pa.RecordBatch:
        if not self.types:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * len(cells.rows), pa.struct([])))
        arrays = [self._array(name, cells.column(name), target) for name, target in self.types.items()]
        return pa.RecordBatch.from_arrays(arrays, names=list(self.types))

    def _array(self, name: str, cells: list[Any], target: pa.DataType) -> pa.Array:
        if name in self.texts:
            return pa.array([None if cell is None else as_text(cell) for cell in cells], pa.string())
        return pa.array([_fitted(cell, target) for cell in cells] if _has_moments(target) else cells, target)


def _look(values: Values, raw: RawFile, *, most: int | None) -> _Layout:
    """The types of all columns, by the records that can be read."""
    shapes: dict[str, Shape] = {}
    total = good = 0
    first_fault = ""
    records = iter(values) if most is None else islice(iter(values), most)
    seen = Sparseness(raw.uri)
    for chunk in _chunks(records):
        cells = cells_of(chunk, first=total + 1, nesting=raw.limits.nesting)
        total, good = total + len(chunk), good + len(cells.rows)
        first_fault = first_fault or next((bad.reason for bad in cells.bad), "")
        for name, column in cells.columns.items():
            shapes[name] = shapes.get(name, Shape()) + shape_of(column)
        filled = sum(len(value) for _, value in chunk if isinstance(value, (dict, list)))
        seen.add(rows=len(chunk), columns=len(shapes), filled=filled)
    if total and not good:
        raise FormatError(
            f"{raw.uri}: no value is a record; {first_fault}.",
            offset_bytes=0,
            hint="state the right 'format': records are maps or arrays",
        )
    return _layout(shapes, raw)


def _layout(shapes: Mapping[str, Shape], raw: RawFile) -> _Layout:
    layout = _Layout()
    warnings = []
    for name, shape in shapes.items():
        found, reason = type_of(shape)
        layout.types[name] = pa.string() if found is None else found
        if found is None:
            layout.texts.add(name)
            warnings.append(f"{raw.uri}: column '{name}' {reason}; it is kept as text")
    layout.warnings = tuple(warnings)
    return layout


def _has_moments(target: pa.DataType) -> bool:
    if pa.types.is_struct(target):
        return any(_has_moments(field.type) for field in target)
    return _has_moments(target.value_type) if pa.types.is_list(target) else bool(pa.types.is_timestamp(target))


def _fitted(value: Any, target: pa.DataType) -> Any:
    """`value` with its moments in the unit of `target`."""
    if isinstance(value, Moment):
        return value // 1000 if target.unit == "us" else int(value)
    if isinstance(value, list):
        return [_fitted(found, target.value_type) for found in value]
    if isinstance(value, dict):
        return {name: _fitted(found, target.field(name).type) for name, found in value.items()}
    return value


def _of_extensions(values: Values) -> tuple[str, ...]:
    if not values.extensions:
        return ()
    codes = ", ".join(map(str, sorted(values.extensions)))
    return (f"{values.raw.uri}: has extension types ({codes}) that MessagePack does not define: kept as their bytes",)


def _size(chunk: Sequence[tuple[int, Any]], raw: RawFile) -> int:
    return 0 if len(chunk) < 2 else min(raw.size_bytes, chunk[-1][0] - chunk[0][0])
