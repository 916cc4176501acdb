"""Records of JSON as batches of texts: one column for each key that was seen so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Origin
from finport_ingestion.engine.convert.reading import sparse
from finport_ingestion.engine.convert.reading.json_texts import DUPLICATE_KEY, NotARecord, as_delivered, texts_of
from finport_ingestion.engine.convert.reading.sparse import Sparseness
from finport_ingestion.engine.limits import ReadLimits


@dataclass(slots=True)
class BatchMaker:
    """Gathers records until they are handed over as a batch."""

    limits: ReadLimits = field(default_factory=ReadLimits)
    columns: dict[str, list[str | None]] = field(default_factory=dict)
    origins: dict[str, set[Origin]] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    sparse: Sparseness = field(default_factory=lambda: Sparseness("the file"))
    filled: int = 0  # cells of the batch

    @property
    def full(self) -> bool:
        """Whether the batch should be handed over, whatever follows."""
        return len(self.rows) * len(self.columns) >= sparse.BATCH_CELLS

    def add(self, value: object, *, row: int, place: str, text: str | None = None) -> None:
        """Take a parsed value as record `row`, or set it aside with the reason and `place`."""
        try:
            fields = texts_of(value, self.limits)
        except NotARecord as fault:
            raw = text if text is not None else as_delivered(value)
            self.reject(BadRecord(row=row, rule=fault.rule, reason=f"{place}: {fault}", text=raw, column=fault.column))
            return
        columns, origins = self.columns, self.origins
        if fields.keys() == columns.keys():
            for name, (found, origin) in fields.items():
                columns[name].append(found)
                if origin is not None:
                    origins[name].add(origin)
        else:
            self._add_others(fields)
        self.rows.append(row)
        self.filled += len(fields)

    def _add_others(self, fields: Mapping[str, tuple[str | None, Origin | None]]) -> None:
        """Fields that are not those of the records so far."""
        for name, (found, origin) in fields.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = [None] * len(self.rows)
                self.origins.setdefault(name, set())
            column.append(found)
            if origin is not None:
                self.origins[name].add(origin)
        for name in self.columns.keys() - fields.keys():
            self.columns[name].append(None)

    def reject(self, record: BadRecord) -> None:
        self.bad.append(record)

    def batch(
        self,
        *,
        size_bytes: int,
        notes: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        facts: Mapping[str, str] | None = None,
    ) -> Batch:
        """What was gathered; the columns stay known, so that the next batch has them in the same order.

        Raises:
            FormatError: Hardly any cell of the file's table is filled.
        """
        self.sparse.add(rows=len(self.rows), columns=len(self.columns), filled=self.filled)
        made = Batch(
            columns=_record_batch(self.columns, len(self.rows)),
            rows=pa.array(self.rows, pa.int64()),
            bad=tuple(self.bad),
            origins={name: frozenset(origins) for name, origins in self.origins.items() if origins},
            size_bytes=size_bytes,
            notes=notes,
            warnings=(*warnings, *self._doubled()),
            facts=facts or {},
        )
        self.columns = {name: [] for name in self.columns}
        self.origins = {name: set() for name in self.columns}
        self.rows, self.bad, self.filled = [], [], 0
        return made

    def _doubled(self) -> tuple[str, ...]:
        """A word on keys that stand twice: readers of JSON differ in what they make of them."""
        found = [bad for bad in self.bad if bad.rule == DUPLICATE_KEY]
        if not found:
            return ()
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return (f"set aside, since a key stands twice: {found[0].reason}{more}",)


def _record_batch(columns: Mapping[str, list[str | None]], count: int) -> pa.RecordBatch:
    if not columns:
        # Records without any field are records: only a struct array knows how many there are.
        return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
    arrays = [pa.array(column, pa.string()) for column in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
