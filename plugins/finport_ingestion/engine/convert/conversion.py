"""One landed part to one Parquet file of a run's schema.

Where the schema that the samples propose does not hold every value, it is settled again from all of them, and the part
is read once more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.increment import Increment
from finport_ingestion.engine.convert.interface import RawFile, Reader, read_ahead
from finport_ingestion.engine.convert.results import PartResult
from finport_ingestion.engine.convert.settle import Seen
from finport_ingestion.engine.convert.table_pass import Job, TablePass, Witness, preparing
from finport_ingestion.engine.parquet_file import ParquetSink, write_parquet
from finport_ingestion.engine.records import Part
from finport_ingestion.engine.rejects import REJECT_SCHEMA

if TYPE_CHECKING:
    from upath import UPath


_THREADS = 1
"""Beside the one that writes; parallel batches are tasks of their own."""


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
    landed: Landed,
    *,
    schema: TargetSchema,
    job: Job,
    settle_again: Callable[[Seen], TargetSchema] | None,
    sampled: Seen | None = None,
) -> PartResult:
    """Convert one part.

    Args:
        sampled: What the samples have shown of the part.
        settle_again: Gives the schema once all values of the part are known; None where `schema` is the final one.

    Raises:
        FormatError: The bytes are not of the format.
        ContractBroken: The contract is frozen, and the part departs from it.
    """
    witness = Witness(uri=landed.raw.uri, job=job)
    result = _attempt(landed, schema, witness, sampled)
    if settle_again is None:
        if result is None:
            raise AssertionError(f"{landed.raw.uri}: the final schema does not hold its values")
        return result
    settled = settle_again(witness.seen())
    if result is not None and settled.fingerprint == schema.fingerprint:
        return result
    return convert_part(landed, schema=settled, job=job, settle_again=None, sampled=witness.seen())


def _attempt(landed: Landed, schema: TargetSchema, witness: Witness, sampled: Seen | None) -> PartResult | None:
    """Write the part; None, and no file, where the schema does not hold it."""
    rejects_sinks: list[ParquetSink] = []
    try:
        with contextlib.ExitStack() as files:

            def open_rejects() -> ParquetSink:
                rejects_sinks.append(files.enter_context(write_parquet(landed.rejects_path, REJECT_SCHEMA)))
                return rejects_sinks[0]

            sink = files.enter_context(write_parquet(landed.path, schema.arrow))
            table = TablePass(
                witness=witness,
                schema=schema,
                item=landed.part.item,
                sink=sink,
                open_rejects=open_rejects,
                increment=_increment(witness.job, schema),
            )
            prepare = preparing(sampled, witness.job)
            for batch in read_ahead(landed.reader, landed.raw, prepare=prepare, threads=_THREADS):
                table.take(batch)
            if not table.holds:
                raise _SchemaTooNarrow
    except _SchemaTooNarrow:
        return None
    return _result(landed, table, sink, rejects_sinks[0] if rejects_sinks else None)


def _increment(job: Job, schema: TargetSchema) -> Increment | None:
    if job.cursor is None:
        return None
    column = schema.find_folded(job.cursor.field)
    # Without a logical type there is no order; what that means is said when the schema is final.
    if column is None or not column.ordered:
        return None
    return Increment(job.cursor, column.logical)


def _result(landed: Landed, table: TablePass, sink: ParquetSink, rejects: ParquetSink | None) -> PartResult:
    made_from = (landed.raw.uri,)
    fingerprint = table.schema.fingerprint
    return PartResult(
        part=_part(landed, landed.uri, sink, fingerprint=fingerprint, made_from=made_from),
        rejects=_part(landed, landed.rejects_uri, rejects, fingerprint=fingerprint, made_from=made_from)
        if rejects
        else None,
        fingerprint=fingerprint,
        rows_read=table.rows_read,
        rejected=table.rejected,
        seen=table.witness.seen(),
        taken=table.increment.result() if table.increment else None,
        nulled=table.nulled,
        notes=tuple(table.notes),
        warnings=tuple(table.warnings),
        facts=table.facts,
    )


def _part(landed: Landed, uri: str, sink: ParquetSink, *, fingerprint: str, made_from: tuple[str, ...]) -> Part:
    return Part(
        uri=uri,
        format="parquet",
        size_bytes=sink.size_bytes,
        sha256=sink.sha256,
        item=landed.part.item,
        sequence=landed.part.sequence,
        row_count=sink.row_count,
        schema=fingerprint,
        made_from=made_from,
    )
