"""Rows of several tables of a message file, gathered unit by unit and handed over as batches.

A unit (an account group, a batch, a message) is added as a whole or set aside as a whole: nothing of a unit that cannot
be read reaches a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, RawFile
from finport_ingestion.engine.convert.reading.text_lines import TextFile
from finport_ingestion.engine.errors import FormatError

Fields = Mapping[str, str | None]
Schema = Mapping[str, Mapping[str, str]]
"""Logical types by column, by table."""
Record = TypeVar("Record", contravariant=True)
_ROWS = 32_768
_SAID = 20


@dataclass(slots=True)
class _Table:
    columns: dict[str, list[str | None]]
    rows: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    count: int = 0  # records so far, those that were set aside included
    given: bool = False


@dataclass(slots=True)
class MessageTables:
    """What was read so far of one file."""

    schema: Schema
    main: str
    tables: dict[str, _Table] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    taken_bytes: int = 0  # of the part, since the last batch
    units: int = 0  # that were added or set aside
    _more_warnings: int = 0

    def __post_init__(self) -> None:
        self.tables = {name: _Table({column: [] for column in columns}) for name, columns in self.schema.items()}

    def add(self, table: str, fields: Fields) -> None:
        """One record. Columns that `fields` does not have are null; empty texts are null.

        Raises:
            KeyError: A field is no column of the table.
        """
        found = self.tables[table]
        for name in fields:
            if name not in found.columns:
                raise KeyError(f"table '{table}' has no column '{name}'")
        for name, values in found.columns.items():
            values.append(fields.get(name) or None)
        found.count += 1
        found.rows.append(found.count)

    def add_unit(self, records: Sequence[tuple[str, Fields]]) -> None:
        """All records of one unit."""
        self.units += 1
        for table, fields in records:
            self.add(table, fields)

    def reject(self, *, rule: str, reason: str, text: str, table: str = "", column: str = "") -> None:
        """Set a unit aside; it counts as one record of `table` (by default the main one)."""
        name = table or self.main
        found = self.tables[name]
        found.count += 1
        self.units += 1
        record = BadRecord(row=found.count, rule=rule, reason=reason, text=text, column=column, table=name)
        found.bad.append(record)

    def warn(self, sentence: str) -> None:
        """The first ones of a file are told, the others counted."""
        if len(self.warnings) < _SAID:
            self.warnings.append(sentence)
        else:
            self._more_warnings += 1

    @property
    def full(self) -> bool:
        return any(len(found.rows) >= _ROWS or len(found.bad) >= _ROWS for found in self.tables.values())

    def batches(self, *, final: bool = False) -> Iterator[Batch]:
        """What was gathered, the main table first; at the end every table, empty ones too."""
        if final and self._more_warnings:
            self.warnings.append(f"{self._more_warnings} more warnings of the same kinds.")
        for name in sorted(self.tables, key=lambda name: name != self.main):
            found = self.tables[name]
            if found.rows or found.bad or (final and not found.given) or (final and name == self.main):
                yield self._batch(name, found)

    def _batch(self, name: str, found: _Table) -> Batch:
        arrays = [pa.array(values, pa.string()) for values in found.columns.values()]
        made = Batch(
            columns=pa.RecordBatch.from_arrays(arrays, names=list(found.columns)),
            rows=pa.array(found.rows, pa.int64()),
            table=name,
            bad=tuple(found.bad),
            types=dict(self.schema[name]),
            size_bytes=self.taken_bytes,
            notes=tuple(self.notes),
            warnings=tuple(self.warnings),
            facts=dict(self.facts),
        )
        found.columns = {column: [] for column in found.columns}
        found.rows, found.bad, found.given = [], [], True
        self.notes, self.taken_bytes = [], 0
        self.warnings = []
        return made


def nothing_in(raw: RawFile, tables: MessageTables) -> Iterator[Batch]:
    """An empty file: no records of every table where the policy takes it.

    Raises:
        FormatError: It does not.
    """
    if not raw.may_be_empty:
        what = "is empty" if raw.size_bytes == 0 else "holds only blanks"
        raise FormatError(
            f"{raw.uri}: {what}.",
            offset_bytes=0,
            hint="ask for the file again, or set quality.minRows to 0 where an empty delivery is right",
        )
    yield from tables.batches(final=True)


class Reading(Protocol[Record]):
    """Where the reading of a file stands that is read record by record."""

    tables: MessageTables
    records: int  # so far

    def take(self, record: Record) -> None: ...

    def finish(self) -> None: ...


def read_records(file: TextFile, records: Iterable[Record], reading: Reading[Record]) -> Iterator[Batch]:
    """What `reading` makes of all records of a file.

    Raises:
        FormatError: There are none, or what `take` raises.
    """
    for record in records:
        reading.take(record)
        if reading.tables.full:
            yield from reading.tables.batches()
    if not reading.records:
        yield from nothing_in(file.raw, reading.tables)
        return
    reading.finish()
    reading.tables.facts["encoding"] = file.encoding().name
    yield from reading.tables.batches(final=True)
