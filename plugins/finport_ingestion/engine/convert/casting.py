"""One batch of a part as the run's schema wants it: typed columns with their lineage, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from finport_ingestion.engine.config.models.contract import ContractMode
from finport_ingestion.engine.convert.agreed import agreed_key
from finport_ingestion.engine.convert.agreed_numbers import reads_plain, with_mark
from finport_ingestion.engine.convert.cast import Casting, cast_proved, cast_text, localised
from finport_ingestion.engine.convert.columns import TargetColumn, TargetSchema
from finport_ingestion.engine.convert.interface import Batch
from finport_ingestion.engine.convert.nested import cast_nested
from finport_ingestion.engine.convert.settle import Terms
from finport_ingestion.engine.convert.typed import cast_agreed, cast_typed
from finport_ingestion.engine.digest import canonical, row_digest
from finport_ingestion.engine.rejects import Reject, record_text

_RULE = "type"
_FEW = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One value that does not fit its agreed type, or the source's clock."""

    column: str
    value: str | None
    reason: str  # without the value


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfits:
    """The values of a batch that do not fit, by position of their record, and how many became null, by column."""

    records: Mapping[int, Sequence[Misfit]] = field(default_factory=dict)
    nulled: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CastBatch:
    """A batch with its types. Records with a misfit are still in `values`, where the misfit is null."""

    batch: Batch
    values: pa.RecordBatch  # of the target schema, with lineage
    data_columns: tuple[str, ...]
    misfits: Misfits
    part: str

    def column(self, name: str) -> pa.Array:
        """A data column, its name taken without regard to case."""
        folded = name.casefold()
        return self.values.column(next(found for found in self.data_columns if found.casefold() == folded))

    def digester(self) -> Callable[[int], str]:
        """Gives the digest of the record at a position; a value that does not fit counts as it was delivered."""
        rows: list[dict[str, object]] = []
        asked = 0

        def digest(position: int) -> str:
            nonlocal asked
            asked += 1
            if asked == _FEW:
                # From here on it is cheaper to make Python's objects of all records at once.
                rows.extend(self.values.select(list(self.data_columns)).to_pylist())
            row = rows[position] if rows else self._row(position)
            unfit = {misfit.column: misfit.value for misfit in self.misfits.records.get(position, ())}
            return row_digest({**row, **unfit})

        return digest

    def _row(self, position: int) -> dict[str, object]:
        return {name: self.values.column(name)[position].as_py() for name in self.data_columns}

    def first_misfit(self) -> tuple[int, str, str | None] | None:
        """Position, reason and value of the first record that does not fit."""
        position = next(iter(self.misfits.records), None)
        if position is None:
            return None
        first = self.misfits.records[position][0]
        return position, first.reason, first.value

    def kept(self, old: pa.BooleanArray | None) -> pa.RecordBatch:
        """The records that fit and are new."""
        if old is None and not self.misfits.records:
            return self.values
        away = [False] * self.values.num_rows if old is None else old.to_pylist()
        for position in self.misfits.records:
            away[position] = True
        return self.values.filter(pc.invert(pa.array(away, pa.bool_())))

    def rejects(self, old: pa.BooleanArray | None, *, item: str) -> list[Reject]:
        """The new records that do not fit."""
        rejects = []
        for position, found in self.misfits.records.items():
            if old is not None and old[position].as_py():
                continue
            rejects.append(
                Reject(
                    part=self.part,
                    row=self.batch.rows[position].as_py(),
                    item=item,
                    stage="convert",
                    column=found[0].column,
                    rule=_RULE,
                    value=found[0].value,
                    reason="; ".join(misfit.reason for misfit in found),
                    record=self._record(position),
                )
            )
        return rejects

    def _record(self, position: int) -> str:
        originals = self.batch.originals
        columns = self.batch.columns
        return record_text(
            {
                originals.get(name, name): canonical(values[position].as_py())
                for name, values in zip(columns.schema.names, columns.columns, strict=True)
            }
        )


def cast_batch(
    batch: Batch,
    looked: Mapping[str, Mapping[str, pa.Array]],
    *,
    schema: TargetSchema,
    terms: Terms,
    part: str,
    lineage: bool = True,
    given_up: frozenset[str] = frozenset(),
) -> CastBatch:
    """The records of `batch` with the types of `schema`, which holds them.

    Args:
        looked: By delivered name, what the proof has made of the values already.
        lineage: Whether each row carries its part and number.
        given_up: Columns that are null for now.
    """
    delivered = dict(zip(batch.columns.schema.names, batch.columns.columns, strict=True))
    castings: list[tuple[TargetColumn, Casting, pa.Array | None]] = []
    for column in schema.columns:
        key = next((key for key in column.keys if key in delivered), None)
        if key is None or column.name in given_up:
            castings.append((column, Casting(pa.nulls(batch.columns.num_rows, column.type)), None))
        else:
            castings.append((column, _cast(delivered[key], looked.get(key, {}), column, terms), delivered[key]))
    arrays = [casting.values for _, casting, _ in castings]
    if lineage:
        arrays += [pa.repeat(pa.scalar(part), batch.columns.num_rows), batch.rows]
    return CastBatch(
        batch=batch,
        values=_record_batch(arrays, schema.arrow if lineage else schema.data, batch.columns.num_rows),
        data_columns=tuple(column.name for column in schema.columns),
        misfits=_find_misfits(castings, terms.mode),
        part=part,
    )


def _record_batch(arrays: Sequence[pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    if not arrays:
        # Rows without any column are rows: only a struct array knows how many there are.
        return pa.RecordBatch.from_struct_array(pa.array([{}] * count, pa.struct([])))
    return pa.RecordBatch.from_arrays(list(arrays), schema=schema)


def _cast(values: pa.Array, looked: Mapping[str, pa.Array], column: TargetColumn, terms: Terms) -> Casting:
    if column.zone:
        return localised(_cast(values, looked, column.naive, terms).values, time_zone=column.zone)
    if terms.typed:
        if not column.agreed:
            return cast_typed(values, column.type)
        return cast_agreed(values, column.logical, way=column.way, reading=terms.reading)
    if column.agreed:
        alike = reads_plain(column.way, terms.reading.style)
        made = looked.get(agreed_key(column.logical)) if alike else None
        return Casting(made) if made is not None else _as_agreed(values, column, terms)
    if column.spelling == "json":
        return Casting(values)
    if pa.types.is_nested(column.type):
        return Casting(cast_nested(values, column.type))
    made = looked.get(column.way or column.spelling)
    if made is not None:
        return Casting(made)
    return cast_proved(values, column.logical, way=column.way, reading=terms.reading)


def _as_agreed(values: pa.Array, column: TargetColumn, terms: Terms) -> Casting:
    return cast_text(with_mark(values, column.mark), column.logical, way=column.way, reading=terms.reading)


def _find_misfits(castings: Sequence[tuple[TargetColumn, Casting, pa.Array | None]], mode: ContractMode) -> Misfits:
    records: dict[int, list[Misfit]] = {}
    nulled: dict[str, int] = {}
    for column, casting, delivered in castings:
        if casting.misfits is None or delivered is None:
            continue
        if not column.agreed and not column.zone:
            raise AssertionError(f"column '{column.name}' was proved to be {column.spelling} and is not")
        positions = pc.indices_nonzero(casting.misfits).to_pylist()
        if mode is ContractMode.DISCARD_VALUE:
            nulled[column.name] = len(positions)
            continue
        reason = f"column '{column.name}': {_unlike(column)}"
        for position in positions:
            value = canonical(delivered[position].as_py())
            records.setdefault(position, []).append(Misfit(column=column.name, value=value, reason=reason))
    return Misfits(records=dict(sorted(records.items())), nulled=nulled)


def _unlike(column: TargetColumn) -> str:
    if column.zone:
        return f"an hour that {column.zone} has twice or never"
    return f"not {column.spelling}{f' with {column.mark}' if column.mark else ''}"
