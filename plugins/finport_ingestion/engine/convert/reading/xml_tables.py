"""The tables of a message file while it is read: rows of declared columns, handed over as batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin

FLUSH_ROWS = 20_000
Row = Mapping[str, str | None]


@dataclass(slots=True)
class Table:
    """One table: `columns` gives each column's logical type, or "" where its values decide."""

    name: str
    columns: Mapping[str, str]
    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    number: int = 0  # of the last row, good or bad
    shown: bool = False

    def add(self, row: Row) -> None:
        self.number += 1
        self.numbers.append(self.number)
        self.rows.append(row)

    def reject(self, *, rule: str, reason: str, text: str, column: str = "") -> None:
        """Set the next row (or the unit that it stands for) aside."""
        self.number += 1
        self.bad.append(BadRecord(row=self.number, rule=rule, reason=reason, text=text, column=column, table=self.name))

    def batch(self, *, size_bytes: int, notes: Sequence[str], warnings: Sequence[str], facts: Row) -> Batch:
        arrays = [pa.array([row.get(name) for row in self.rows], pa.string()) for name in self.columns]
        made = Batch(
            columns=pa.RecordBatch.from_arrays(arrays, names=list(self.columns)),
            rows=pa.array(self.numbers, pa.int64()),
            table=self.name,
            bad=tuple(self.bad),
            origins={name: frozenset([Origin.FIELD]) for name in self.columns},
            types={name: kind for name, kind in self.columns.items() if kind},
            size_bytes=size_bytes,
            notes=tuple(notes),
            warnings=tuple(warnings),
            facts={name: value for name, value in facts.items() if value is not None},
        )
        self.rows, self.numbers, self.bad, self.shown = [], [], [], True
        return made


class Tables:
    """The tables of a file, the main one first."""

    def __init__(self, columns: Mapping[str, Mapping[str, str]]) -> None:
        self.all = {name: Table(name, found) for name, found in columns.items()}
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.facts: dict[str, str | None] = {}
        self._flushed_bytes = 0

    def __getitem__(self, name: str) -> Table:
        return self.all[name]

    @property
    def full(self) -> bool:
        return sum(len(table.rows) for table in self.all.values()) >= FLUSH_ROWS

    def flush(self, fed_bytes: int) -> Iterator[Batch]:
        """What was gathered; each table at least once, so that its columns are known."""
        for table in self.all.values():
            if table.rows or table.bad or not table.shown:
                size, self._flushed_bytes = fed_bytes - self._flushed_bytes, fed_bytes
                notes, self.notes = self.notes, []
                warnings, self.warnings = self.warnings, []
                yield table.batch(size_bytes=size, notes=notes, warnings=warnings, facts=self.facts)
                self.facts = {}
        # What was found out last has no rows to travel with.
        if self.notes or self.warnings:
            first = next(iter(self.all.values()))
            yield first.batch(size_bytes=0, notes=self.notes, warnings=self.warnings, facts={})
            self.notes, self.warnings = [], []
