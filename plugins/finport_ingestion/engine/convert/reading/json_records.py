"""Records of JSON as batches of texts: one column for each key that was seen so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin
from finport_ingestion.engine.convert.reading.json_texts import NotARecord, texts_of


@dataclass(slots=True)
class BatchMaker:
    """Gathers records until they are handed over as a batch."""

    columns: dict[str, list[str | None]] = field(default_factory=dict)
    origins: dict[str, set[Origin]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def add(self, value: object, *, row: int, place: str, text: str | None = None) -> None:
        """Take a parsed value as record `row`, or set it aside with the reason and `place`."""
        try:
            fields = texts_of(value)
        except NotARecord as fault:
            raw = text if text is not None else _lenient(value)
            self.reject(BadRecord(row=row, rule=fault.rule, reason=f"{place}: {fault}", text=raw, column=fault.column))
            return
        before = len(self.rows)
        for name, (found, origin) in fields.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = [None] * before
            column.append(found)
            if origin is not None:
                self.origins.setdefault(name, set()).add(origin)
        if len(fields) < len(self.columns):
            for name, column in self.columns.items():
                if name not in fields:
                    column.append(None)
        self.rows.append(row)

    def reject(self, record: BadRecord) -> None:
        self.bad.append(record)

    def batch(self, *, size_bytes: int, notes: tuple[str, ...] = ()) -> Batch:
        """What was gathered; the columns stay known, so that the next batch has them in the same order."""
        made = Batch(
            columns=_record_batch(self.columns, len(self.rows)),
            rows=pa.array(self.rows, pa.int64()),
            bad=tuple(self.bad),
            origins={name: frozenset(origins) for name, origins in self.origins.items()},
            size_bytes=size_bytes,
            notes=notes,
        )
        self.columns = {name: [] for name in self.columns}
        self.origins, self.rows, self.bad = {}, [], []
        return made


def _record_batch(columns: Mapping[str, list[str | None]], count: int) -> pa.RecordBatch:
    if not columns:
        # Records without any field are records: only a struct array knows how many there are.
        return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
    arrays = [pa.array(column, pa.string()) for column in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _lenient(value: object) -> str:
    """`value` as JSON for the quarantine; what cannot be spelled is replaced."""
    return json.dumps(value, ensure_ascii=True, default=str)
