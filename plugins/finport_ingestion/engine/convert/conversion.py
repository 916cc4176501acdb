"""One landed part to one Parquet file of a run's schema.

Where the schema that the samples propose does not hold every value, it is settled again from all of them, and the part
is read once more.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pyarrow.parquet as pq

from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.increment import Increment
from finport_ingestion.engine.convert.interface import RawFile, Reader, ReadsColumns, columns_reader, read_ahead
from finport_ingestion.engine.convert.repair import can_relabel, can_repair, repaired
from finport_ingestion.engine.convert.results import PartResult
from finport_ingestion.engine.convert.settle import Seen
from finport_ingestion.engine.convert.table_pass import Job, TablePass, Witness, preparing
from finport_ingestion.engine.parquet_file import ParquetSink, write_parquet
from finport_ingestion.engine.parquet_footer import rewrite_footer
from finport_ingestion.engine.records import Part
from finport_ingestion.engine.rejects import REJECT_SCHEMA

if TYPE_CHECKING:
    from upath import UPath


_ROWS = 65_536
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
    table, result = _attempt(landed, schema, witness, sampled)
    if settle_again is None:
        if table.given_up or not table.holds:
            raise AssertionError(f"{landed.raw.uri}: the final schema does not hold its values")
        return result
    settled = settle_again(witness.seen())
    if table.holds and not table.given_up and settled.fingerprint == schema.fingerprint:
        return result
    if can_relabel(table, settled):
        return relabelled(result, landed.path, landed.path, uri=landed.uri, final=settled)
    if can_repair(table, landed.reader, settled):
        return _repair(landed, table, settled, result)
    return convert_part(landed, schema=settled, job=job, settle_again=None, sampled=witness.seen())


def _attempt(
    landed: Landed, schema: TargetSchema, witness: Witness, sampled: Seen | None
) -> tuple[TablePass, PartResult]:
    """Write the part, as far as the schema holds it."""
    rejects_sinks: list[ParquetSink] = []
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
    return table, _result(landed, table, sink, rejects_sinks[0] if rejects_sinks else None)


def _repair(landed: Landed, table: TablePass, final: TargetSchema, result: PartResult) -> PartResult:
    """The part with schema `final`: only what the table gave up is read again."""
    reader = cast("ReadsColumns", columns_reader(landed.reader))
    keys = frozenset(key for column in final.columns if column.name in table.given_up for key in column.keys)
    fresh = reader.read_columns(landed.raw, keys, threads=_THREADS)
    with landed.path.open("rb") as stream, write_parquet(landed.path, final.arrow) as sink:
        written = pq.ParquetFile(stream).iter_batches(batch_size=_ROWS)
        for batch in repaired(written, fresh, table=table, final=final):
            sink.write(batch)
    part = _part(landed, landed.uri, sink, fingerprint=final.fingerprint, made_from=result.part.made_from)
    layout = final.layout(result.seen.evidence)
    return dataclasses.replace(result, part=part, fingerprint=final.fingerprint, layout=layout)


def relabelled(result: PartResult, written: UPath, path: UPath, *, uri: str, final: TargetSchema) -> PartResult:
    """The part with schema `final`, which differs from its own but in what is told of its columns.

    Args:
        written: The part as it is.
        path: Where it is to be; may be the same.
        uri: Of `path`.
    """
    done = rewrite_footer(written, path, final.arrow)
    told = final.fingerprint
    part = dataclasses.replace(result.part, uri=uri, size_bytes=done.size_bytes, sha256=done.sha256, schema=told)
    rejects = dataclasses.replace(result.rejects, schema=told) if result.rejects else None
    return dataclasses.replace(result, part=part, rejects=rejects, fingerprint=final.fingerprint)


def _increment(job: Job, schema: TargetSchema) -> Increment | None:
    if job.cursor is None:
        return None
    column = schema.find_folded(job.cursor.field)
    # Without a logical type there is no order; what that means is said when the schema is final.
    if column is None or not column.ordered:
        return None
    return Increment(job.cursor, column.logical, job.remembered)


def _result(landed: Landed, table: TablePass, sink: ParquetSink, rejects: ParquetSink | None) -> PartResult:
    made_from = (landed.raw.uri,)
    fingerprint = table.schema.fingerprint
    return PartResult(
        part=_part(landed, landed.uri, sink, fingerprint=fingerprint, made_from=made_from),
        rejects=_part(landed, landed.rejects_uri, rejects, fingerprint=fingerprint, made_from=made_from)
        if rejects
        else None,
        fingerprint=fingerprint,
        layout=table.schema.layout(table.witness.evidence),
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
