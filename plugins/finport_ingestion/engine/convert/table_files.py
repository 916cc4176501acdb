"""The tables of one file, each with one schema, written to files of their own.

A small file, or one of a format that is held as a whole, is read once: its schema is settled from all of its values. Of
a large one samples propose the schema, and a table that departs from it is read a second time.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow.parquet as pq

from finport_ingestion.engine.convert.cast import Reading
from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.interface import Batch, ReadsColumns, columns_reader, read_ahead
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.convert.outputs.dataset import DatasetWriter, writing
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.repair import can_relabel, can_repair, repaired
from finport_ingestion.engine.convert.report import ColumnReport, PartReport, TableReport
from finport_ingestion.engine.convert.sampling import sample, slice_size
from finport_ingestion.engine.convert.settle import Seen, Settled, Terms, settle
from finport_ingestion.engine.convert.table_pass import Job, TablePass, Witness, preparing
from finport_ingestion.engine.rejects import REJECT_SCHEMA
from finport_ingestion.engine.step import safe_name

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.file_conversion import Wish
    from finport_ingestion.engine.convert.interface import RawFile, Reader

_LONGEST_NAME = 120
_ROWS = 65_536
_TABLE = "table"  # the name of a table that has none
QUARANTINE = "_quarantine"


@dataclass(slots=True, kw_only=True)
class TableFiles:
    """What was made of a file."""

    tables: list[TableReport] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    drift: dict[str, None] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the tables of a file go."""

    folder: Path
    prefix: str
    wish: Wish

    def name(self, table: str) -> str:
        return "/".join(part for part in (self.prefix, table) if part) or _TABLE

    def table_folder(self, table: str) -> Path:
        return self.folder.joinpath(*self._segments(table))

    def writer(self, table: str, schema: TargetSchema) -> DatasetWriter:
        return DatasetWriter(
            folder=self.table_folder(table),
            schema=schema.data,
            output=self.wish.output,
            partition_by=self.wish.partition_by,
            max_file_bytes=self.wish.max_file_bytes,
        )

    @property
    def can_be_read_back(self) -> bool:
        """Whether the files that are written hold all rows in order, in a format that is read fast."""
        return isinstance(self.wish.output, ParquetOutput) and not self.wish.partition_by

    def rejects_folder(self, table: str) -> Path:
        return self.folder.joinpath(QUARANTINE, *self._segments(table))

    def _segments(self, table: str) -> list[str]:
        return [_segment(part) for part in (self.prefix, table or _TABLE) if part]


def _segment(name: str) -> str:
    """`name` as the name of a folder, which no file system finds too long."""
    safe = safe_name(name)
    if len(safe) <= _LONGEST_NAME:
        return safe
    return f"{safe[: _LONGEST_NAME - 13]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def convert_tables(raw: RawFile, reader: Reader, *, folder: Path, prefix: str, wish: Wish) -> TableFiles:
    """Convert every table of `raw` into files below `folder`.

    Args:
        prefix: What the names of the tables begin with: the name of the file in its archive.

    Raises:
        FormatError: The bytes are not of the reader's format.
        ContractBroken: The contract is frozen, and the file departs from it.
    """
    place = _Place(folder=folder, prefix=prefix, wish=wish)
    job = _job(reader, wish)
    if reader.whole_file or raw.size_bytes <= wish.gathered_bytes:
        return _gathered(raw, reader, place, job)
    return _streamed(raw, reader, place, job)


def _job(reader: Reader, wish: Wish) -> Job:
    options = wish.options
    comma = bool(getattr(options, "decimal_comma", False))
    reading = Reading(
        style=NumberStyle.COMMA if comma else NumberStyle.POINT, date_order=getattr(options, "date_order", None)
    )
    terms = Terms(contract=wish.contract, reading=reading, typed=reader.typed)
    return Job(
        terms=terms, cursor=None, mask="none", keep_rejects=True, from_fields=False, tick=wish.tick, lineage=False
    )


def _gathered(raw: RawFile, reader: Reader, place: _Place, job: Job) -> TableFiles:
    made = TableFiles()
    batches: dict[str, list[Batch]] = {}
    witnesses: dict[str, Witness] = {}
    for batch in reader.read(raw):
        batches.setdefault(batch.table, []).append(batch)
        witnesses.setdefault(batch.table, Witness(uri=raw.uri, job=job)).observe(batch)
        made.facts.update(batch.facts)
    for table, found in batches.items():
        settled = settle([witnesses[table].seen()], job.terms, final=True)
        with contextlib.ExitStack() as files:
            written = _opened(table, settled.schema, witnesses[table], place, files)
            for batch in found:
                written.table.take(batch, known=True)
        _account(made, table, settled, written, place)
    return made


def _streamed(raw: RawFile, reader: Reader, place: _Place, job: Job) -> TableFiles:
    made = TableFiles()
    samples = sample(raw, reader, job=job, size_bytes=slice_size(1))
    proposed = {table: settle([seen], job.terms) for table, seen in samples.items()}
    witnesses = {table: Witness(uri=raw.uri, job=job) for table in proposed}
    done = _write(raw, reader, place, proposed, witnesses, made, samples, job=job)
    final = {
        table: settle([witness.seen()], job.terms, final=True)
        for table, witness in witnesses.items()
        if table not in done  # no sample has shown it
    }
    for table, written in done.items():
        settled = settle([witnesses[table].seen()], job.terms, final=True)
        if _can_stay(written, settled.schema):
            _account(made, table, settled, written, place)
        elif len(done) == 1 and place.can_be_read_back and can_repair(written.table, reader, settled.schema):
            _repair(raw, reader, place, table, settled.schema, written)
            _account(made, table, settled, written, place)
        else:
            final[table] = settled
    if final:
        seen = {table: witnesses[table].seen() for table in final}
        again = {table: Witness(uri=raw.uri, job=job) for table in final}
        for table in final:
            shutil.rmtree(place.table_folder(table), ignore_errors=True)
            shutil.rmtree(place.rejects_folder(table), ignore_errors=True)
        for table, written in _write(raw, reader, place, final, again, made, seen, job=job).items():
            _account(made, table, final[table], written, place)
    return made


def _can_stay(written: _Written, final: TargetSchema) -> bool:
    """Whether what was written is of schema `final`, with other labels at most, which its files then have."""
    if not can_relabel(written.table, final):
        return False
    return written.table.schema.fingerprint == final.fingerprint or written.data.relabel(final.data)


def _repair(raw: RawFile, reader: Reader, place: _Place, table: str, final: TargetSchema, written: _Written) -> None:
    """Write the table's files again with schema `final`; only what was given up is read again."""
    given_up = written.table.given_up
    keys = frozenset(key for column in final.columns if column.name in given_up for key in column.keys)
    columns = cast("ReadsColumns", columns_reader(reader))
    fresh = columns.read_columns(raw, keys, threads=place.wish.threads)
    folder = place.table_folder(table)
    aside = folder.with_name(f".{folder.name}.first")
    folder.rename(aside)
    old = (aside / file.path.name for file in written.data.written)
    batches = (batch for path in old for batch in pq.ParquetFile(path).iter_batches(batch_size=_ROWS))
    data = place.writer(table, final)
    with writing(data):
        for batch in repaired(batches, fresh, table=written.table, final=final):
            data.write(batch)
    written.data = data
    shutil.rmtree(aside)


@dataclass(slots=True, kw_only=True)
class _Written:
    """A table that is being written, and its files."""

    table: TablePass
    data: DatasetWriter
    rejects: DatasetWriter | None = None


def _write(
    raw: RawFile,
    reader: Reader,
    place: _Place,
    settled: dict[str, Settled],
    witnesses: dict[str, Witness],
    made: TableFiles,
    sampled: dict[str, Seen],
    *,
    job: Job,
) -> dict[str, _Written]:
    """One pass over the file that writes the tables of `settled` and witnesses all others."""
    done: dict[str, _Written] = {}
    with contextlib.ExitStack() as files:
        for table, agreed in settled.items():
            done[table] = _opened(table, agreed.schema, witnesses[table], place, files)
        only = witnesses if len(witnesses) == 1 else {}
        prepare = preparing(next(iter(sampled.values()), None) if only else None, job)
        for batch in read_ahead(reader, raw, prepare=prepare, threads=place.wish.threads):
            made.facts.update(batch.facts)
            written = done.get(batch.table)
            if written is not None:
                written.table.take(batch)
            else:
                witnesses.setdefault(batch.table, Witness(uri=raw.uri, job=job)).observe(batch)
    return done


def _opened(table: str, schema: TargetSchema, witness: Witness, place: _Place, files: contextlib.ExitStack) -> _Written:
    data = place.writer(table, schema)
    files.enter_context(writing(data))
    rejects: list[DatasetWriter] = []

    def open_rejects() -> DatasetWriter:
        writer = DatasetWriter(folder=place.rejects_folder(table), schema=REJECT_SCHEMA, output=ParquetOutput())
        rejects.append(files.enter_context(writing(writer)))
        written.rejects = writer
        return writer

    written = _Written(
        table=TablePass(witness=witness, schema=schema, item=witness.uri, sink=data, open_rejects=open_rejects),
        data=data,
    )
    return written


def _account(made: TableFiles, table: str, settled: Settled, written: _Written, place: _Place) -> None:
    nulled = written.table.nulled
    made.warnings.update(written.table.warnings)
    made.warnings.update(dict.fromkeys(settled.notes))
    if written.table.rejected:
        first = written.table.first_reject
        made.warnings[
            f"{place.name(table)}: records that are set aside: {written.table.rejected}; the first: {first}"
        ] = None
    made.warnings.update(
        dict.fromkeys(f"column '{name}': {count} values that do not fit are null" for name, count in nulled.items())
    )
    made.notes.update(written.table.notes)
    made.drift.update(dict.fromkeys(settled.drift))
    rows = written.data.row_count
    if rows and not settled.schema.columns:
        made.warnings[f"{place.name(table)}: {rows} records have no fields at all, and are left out"] = None
        rows = 0
    made.tables.append(
        TableReport(
            name=place.name(table),
            rows=rows,
            quarantined=written.table.rejected,
            columns=tuple(ColumnReport(name=c.name, type=c.spelling, label=c.label) for c in settled.schema.columns),
            parts=tuple(
                PartReport(path=str(file.path), rows=file.row_count, bytes=file.size_bytes)
                for file in written.data.written
            ),
            quarantine=str(written.rejects.written[0].path) if written.rejects else None,
        )
    )
