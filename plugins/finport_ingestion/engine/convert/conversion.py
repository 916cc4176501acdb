"""One landed part to one Parquet file: read, prove and cast batch by batch, in bounded memory.

A part is written with the schema that the samples propose. A value that this schema cannot hold stops the writing, not
the reading: at the end all values of the part are known, the schema is settled again, and the part is read once more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import pyarrow as pa

from finport_ingestion.engine.config.models.contract import ContractMode
from finport_ingestion.engine.convert.casting import cast_batch
from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.holds import holds
from finport_ingestion.engine.convert.increment import Cursor, Increment
from finport_ingestion.engine.convert.interface import Batch, Origin, RawFile, Reader
from finport_ingestion.engine.convert.results import PartResult
from finport_ingestion.engine.convert.settle import AnyEvidence, Seen, Terms, observe
from finport_ingestion.engine.errors import ContractBroken
from finport_ingestion.engine.parquet_file import ParquetSink, write_parquet
from finport_ingestion.engine.records import Part
from finport_ingestion.engine.rejects import REJECT_SCHEMA, Masking, Reject, masked, raw_record_text, reject_batch

if TYPE_CHECKING:
    from upath import UPath

_FIELD = frozenset({Origin.FIELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is the same for all parts of a run."""

    terms: Terms
    cursor: Cursor | None
    mask: Masking
    keep_rejects: bool  # otherwise they are only counted
    from_fields: bool  # the strings of a typed document are released fields, whose author did not type them
    tick: Callable[[int, int], None]  # rows and bytes done; raises when the time is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A part to convert, with all that reads it and where it goes."""

    part: Part
    raw: RawFile
    reader: Reader
    path: UPath
    uri: str
    rejects_path: UPath
    rejects_uri: str


class _SchemaTooNarrow(Exception):
    """Ends the writing of a file without leaving it there."""


def convert_part(
    landed: Landed, *, schema: TargetSchema, job: Job, settle_again: Callable[[Seen], TargetSchema] | None
) -> PartResult:
    """Convert one part.

    Args:
        settle_again: Gives the schema once all values of the part are known; None where `schema` is the final one.

    Raises:
        FormatError: The bytes are not of the format.
        ContractBroken: The contract is frozen, and the part departs from it.
    """
    attempt = _Attempt(landed=landed, schema=schema, job=job)
    result = attempt.run()
    if settle_again is None:
        if result is None:
            raise AssertionError(f"{landed.raw.uri}: the final schema does not hold its values")
        return result
    settled = settle_again(attempt.seen())
    if result is not None and settled.fingerprint == schema.fingerprint:
        return result
    return convert_part(landed, schema=settled, job=job, settle_again=None)


@dataclass(slots=True)
class _Attempt:
    """One pass over a part."""

    landed: Landed
    schema: TargetSchema
    job: Job
    evidence: dict[str, AnyEvidence] = field(default_factory=dict)
    originals: dict[str, str] = field(default_factory=dict)
    cast: dict[str, Mapping[str, pa.Array]] = field(default_factory=dict)  # of this batch, by hypothesis
    notes: list[str] = field(default_factory=list)
    nulled: dict[str, int] = field(default_factory=dict)
    rows_read: int = 0
    rejected: int = 0
    rejects_sink: ParquetSink | None = None

    def run(self) -> PartResult | None:
        """Write the part; None, and no file, where the schema does not hold it."""
        increment = self._increment()
        holds = True
        try:
            with contextlib.ExitStack() as files:
                sink = files.enter_context(write_parquet(self.landed.path, self.schema.arrow))
                for batch in self.landed.reader.read(self.landed.raw):
                    self._observe(batch)
                    holds = holds and self._holds(batch)
                    if holds:
                        self._write(batch, sink, increment, files)
                    self.job.tick(batch.columns.num_rows + len(batch.bad), batch.size_bytes)
                if not holds:
                    raise _SchemaTooNarrow
        except _SchemaTooNarrow:
            return None
        return self._result(sink, increment)

    def seen(self) -> Seen:
        return Seen(uri=self.landed.raw.uri, evidence=dict(self.evidence), originals=dict(self.originals))

    def _increment(self) -> Increment | None:
        if self.job.cursor is None:
            return None
        column = self.schema.find_folded(self.job.cursor.field)
        # Without a logical type there is no order; what that means is said when the schema is final.
        if column is None or not column.ordered:
            return None
        return Increment(self.job.cursor, column.logical)

    def _observe(self, batch: Batch) -> None:
        for key, values in zip(batch.columns.schema.names, batch.columns.columns, strict=True):
            origins = self._origins(batch.origins.get(key, _FIELD))
            known = self.evidence.get(key)
            found, cast = observe(values, key=key, known=known, origins=origins, terms=self.job.terms)
            self.evidence[key], self.cast[key] = found, cast
        self.originals.update(batch.originals)
        self.notes.extend(batch.notes)
        self.rows_read += batch.columns.num_rows + len(batch.bad)

    def _origins(self, origins: frozenset[Origin]) -> frozenset[Origin]:
        if self.job.from_fields and Origin.STRING in origins:
            return origins - {Origin.STRING} | _FIELD
        return origins

    def _holds(self, batch: Batch) -> bool:
        if not self.schema.known.issuperset(batch.columns.schema.names):
            return False
        for column in self.schema.columns:
            found = [self.evidence[key] for key in column.keys if key in self.evidence]
            if found and not holds(column, reduce(add, found), self.job.terms):
                return False
        return True

    def _write(self, batch: Batch, sink: ParquetSink, increment: Increment | None, files: contextlib.ExitStack) -> None:
        cast = cast_batch(batch, self.cast, schema=self.schema, terms=self.job.terms, part=self.landed.raw.uri)
        for column, count in cast.misfits.nulled.items():
            self.nulled[column] = self.nulled.get(column, 0) + count
        self._refuse(batch, cast.first_misfit())
        old = increment.old(cast.column(increment.cursor.field), cast.digester()) if increment else None
        sink.write(cast.kept(old))
        rejects = [*self._unreadable(batch), *cast.rejects(old, item=self.landed.part.item)]
        self.rejected += len(rejects)
        if rejects and self.job.keep_rejects:
            if self.rejects_sink is None:
                self.rejects_sink = files.enter_context(write_parquet(self.landed.rejects_path, REJECT_SCHEMA))
            rejects.sort(key=lambda reject: reject.row)
            self.rejects_sink.write(reject_batch(rejects, mask=self.job.mask))

    def _refuse(self, batch: Batch, first: tuple[int, str, str | None] | None) -> None:
        if first is None or self.job.terms.mode is not ContractMode.FREEZE:
            return
        position, reason, value = first
        raise ContractBroken(
            f"{self.landed.raw.uri}: row {batch.rows[position]}, {reason}: '{masked(value, self.job.mask)}'.",
            hint="ask the source what changed, or use another mode than freeze",
        )

    def _unreadable(self, batch: Batch) -> list[Reject]:
        return [
            Reject(
                part=self.landed.raw.uri,
                row=bad.row,
                item=self.landed.part.item,
                stage="convert",
                column=bad.column,
                rule=bad.rule,
                value=None,
                reason=bad.reason,
                record=raw_record_text(bad.text),
            )
            for bad in batch.bad
        ]

    def _result(self, sink: ParquetSink, increment: Increment | None) -> PartResult:
        landed = self.landed
        written = self._part(landed.uri, sink, made_from=(landed.raw.uri,))
        rejects = None
        if self.rejects_sink is not None:
            rejects = self._part(landed.rejects_uri, self.rejects_sink, made_from=(landed.raw.uri,))
        return PartResult(
            part=written,
            rejects=rejects,
            fingerprint=self.schema.fingerprint,
            rows_read=self.rows_read,
            rejected=self.rejected,
            seen=self.seen(),
            taken=increment.result() if increment else None,
            nulled=self.nulled,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _part(self, uri: str, sink: ParquetSink, *, made_from: tuple[str, ...]) -> Part:
        return Part(
            uri=uri,
            format="parquet",
            size_bytes=sink.size_bytes,
            sha256=sink.sha256,
            item=self.landed.part.item,
            sequence=self.landed.part.sequence,
            row_count=sink.row_count,
            schema=self.schema.fingerprint,
            made_from=made_from,
        )
