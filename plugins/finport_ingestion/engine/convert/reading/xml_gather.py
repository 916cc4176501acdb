"""Rows of leaves gathered into batches, one after the other; the columns that were met stay known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from finport_ingestion.engine.convert.interface import Batch, Origin
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.convert.reading.xml_paths import Key, Names


@dataclass(slots=True)
class Columns:
    """The columns of a file so far, and what they held: single texts, lists, or both."""

    table: str = ""
    names: Names = field(default_factory=Names)
    single: set[str] = field(default_factory=set)
    nested: set[str] = field(default_factory=set)
    row: int = 0  # number of the last row that was handed over

    def batch(
        self,
        arrays: Mapping[str, pa.StringArray],
        nested: Mapping[str, bool],
        *,
        count: int,
        size_bytes: int,
        notes: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        facts: Mapping[str, str] | None = None,
    ) -> Batch:
        """A batch of `count` rows.

        Args:
            nested: Columns with lists, and whether all their values are.
        """
        known = list(self.names.found.values())
        columns = [arrays[name] if name in arrays else pa.nulls(count, pa.string()) for name in known]
        origins = {name: self._origins(name, arrays, nested) for name in known}
        first = self.row + 1
        self.row += count
        return Batch(
            columns=pa.RecordBatch.from_arrays(columns, names=known)
            if known
            else pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([]))),
            rows=pa.array(range(first, first + count), pa.int64()),
            table=self.table,
            origins=origins,
            size_bytes=size_bytes,
            notes=notes,
            warnings=warnings,
            facts=facts or {},
        )

    def _origins(
        self, name: str, arrays: Mapping[str, pa.StringArray], nested: Mapping[str, bool]
    ) -> frozenset[Origin]:
        """A list beside single texts is a text like any other: only a column of nothing but lists is nested."""
        if name in nested:
            self.nested.add(name)
        if name in arrays and not nested.get(name, False) and arrays[name].null_count < len(arrays[name]):
            self.single.add(name)
        if name not in self.nested:
            return frozenset([Origin.FIELD])
        return frozenset([Origin.NESTED, Origin.STRING]) if name in self.single else frozenset([Origin.NESTED])


@dataclass(slots=True)
class RowGatherer:
    """Rows that come one by one."""

    columns: Columns
    sparse: Sparseness = field(default_factory=lambda: Sparseness("the file"))
    values: dict[str, list[str | None]] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    count: int = 0
    text_bytes: int = 0
    filled: int = 0

    @property
    def cells(self) -> int:
        """Of the batch, empty ones too."""
        return self.count * len(self.columns.names.found)

    def add(self, row: Mapping[Key, tuple[str | None, bool]]) -> None:
        for key, (text, nested) in row.items():
            name = self.columns.names.of(key)
            column = self.values.get(name)
            if column is None:
                column = self.values[name] = []
            column.extend([None] * (self.count - len(column)))
            column.append(text)
            if text is not None:
                self.text_bytes += len(text)
            if nested:
                self.lists[name] = self.lists.get(name, 0) + 1
        self.count += 1
        self.filled += len(row)

    def batch(
        self,
        *,
        size_bytes: int,
        notes: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        facts: Mapping[str, str] | None = None,
    ) -> Batch:
        self.sparse.add(rows=self.count, columns=len(self.columns.names.found), filled=self.filled)
        arrays = {}
        for name, column in self.values.items():
            column.extend([None] * (self.count - len(column)))
            arrays[name] = pa.array(column, pa.string())
        nested = {name: count == len(arrays[name]) - arrays[name].null_count for name, count in self.lists.items()}
        made = self.columns.batch(
            arrays, nested, count=self.count, size_bytes=size_bytes, notes=notes, warnings=warnings, facts=facts
        )
        self.values, self.lists, self.count, self.text_bytes, self.filled = {}, {}, 0, 0, 0
        return made
