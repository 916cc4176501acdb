"""One pass over the records of one table of a part: read, prove, cast and write batch by batch, in bounded memory.

The table is written with the schema that the samples propose. A value that this schema cannot hold stops the writing,
not the reading: at the end all values are known, and the schema can be settled again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Protocol

import pyarrow as pa

from finport_ingestion.engine.config.models.contract import ContractMode
from finport_ingestion.engine.convert.casting import CastBatch, cast_batch
from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.evidence import HYPOTHESES, Evidence, Look
from finport_ingestion.engine.convert.holds import holds
from finport_ingestion.engine.convert.increment import Cursor, Increment
from finport_ingestion.engine.convert.interface import Batch, Origin, Prepare
from finport_ingestion.engine.convert.settle import AnyEvidence, Seen, Terms, glance, observe
from finport_ingestion.engine.errors import ContractBroken
from finport_ingestion.engine.rejects import Masking, Reject, masked, raw_record_text, reject_batch

_FIELD = frozenset({Origin.FIELD})


class Sink(Protocol):
    """Where the rows of a table go."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`, whose schema is the table's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is the same for all parts of a run."""

    terms: Terms
    cursor: Cursor | None
    mask: Masking
    keep_rejects: bool  # otherwise they are only counted
    from_fields: bool  # the strings of a typed document are released fields, whose author did not type them
    tick: Callable[[int, int], None]  # rows and bytes done; raises when the time is over
    remembered: Counter[str] | None = (
        None  # by digest, how often rows are left out; as the cursor's mark says by default
    )
    lineage: bool = True  # whether rows carry the part and row that they come from

    def origins(self, origins: frozenset[Origin]) -> frozenset[Origin]:
        """What the strings of a document are taken for."""
        if self.from_fields and Origin.STRING in origins:
            return origins - {Origin.STRING} | _FIELD
        return origins


def preparing(sampled: Seen | None, job: Job) -> Prepare:
    """Looks for threads that parse ahead.

    Args:
        sampled: What the samples left of each column's hypotheses; only those are worth a test.
    """
    alive = {
        key: found.alive for key, found in (sampled.evidence if sampled else {}).items() if isinstance(found, Evidence)
    }

    def prepare(columns: pa.RecordBatch, origins: Mapping[str, frozenset[Origin]] | None = None) -> Mapping[str, Look]:
        stated = origins or {}
        return {
            key: glance(
                values,
                key=key,
                among=alive.get(key, HYPOTHESES),
                origins=job.origins(stated.get(key, _FIELD)),
                terms=job.terms,
            )
            for key, values in zip(columns.schema.names, columns.columns, strict=True)
        }

    return prepare


@dataclass(slots=True, kw_only=True)
class Witness:
    """What was seen of a table so far."""

    uri: str
    job: Job
    evidence: dict[str, AnyEvidence] = field(default_factory=dict)
    originals: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    delimiter: str = ""
    cast: dict[str, Mapping[str, pa.Array]] = field(default_factory=dict)  # of the last batch, by hypothesis

    def observe(self, batch: Batch) -> None:
        """Add the values of `batch` to the evidence."""
        self.types.update(batch.types)
        self.delimiter = batch.facts.get("delimiter", self.delimiter)
        for key, values in zip(batch.columns.schema.names, batch.columns.columns, strict=True):
            if key in batch.looked:
                self._add(key, batch.looked[key])
                continue
            self.evidence[key], self.cast[key] = observe(
                values,
                key=key,
                known=self.evidence.get(key),
                origins=self.job.origins(batch.origins.get(key, _FIELD)),
                terms=self.job.terms,
                declared=self.types.get(key),
            )
        self.originals.update(batch.originals)

    def _add(self, key: str, look: Look) -> None:
        known = self.evidence.get(key)
        self.evidence[key] = look.evidence if known is None else known + look.evidence  # type: ignore[operator]
        self.cast[key] = look.cast

    def seen(self) -> Seen:
        return Seen(
            uri=self.uri,
            evidence=dict(self.evidence),
            originals=dict(self.originals),
            types=dict(self.types),
            delimiter=self.delimiter,
        )

    def misfits(self, schema: TargetSchema) -> frozenset[str] | None:
        """The columns of `schema` that do not hold what was seen of them; None where one was seen that it has not."""
        if not schema.known.issuperset(self.evidence):
            return None
        unfit: set[str] = set()
        for column in schema.columns:
            found = [self.evidence[key] for key in column.keys if key in self.evidence]
            if found and not holds(column, reduce(add, found), self.job.terms):
                unfit.add(column.name)
        return frozenset(unfit)


@dataclass(slots=True, kw_only=True)
class TablePass:
    """Takes the batches of a table in order and writes them, as long as the schema holds them.

    A column that the schema does not hold is given up: nulls stand in its place until it is repaired.
    """

    witness: Witness
    schema: TargetSchema
    item: str
    sink: Sink
    open_rejects: Callable[[], Sink]  # called at the first record that is set aside
    increment: Increment | None = None
    holds: bool = True
    given_up: frozenset[str] = frozenset()
    misfits: int = 0  # records set aside because a value does not fit
    rows_read: int = 0
    rejected: int = 0
    first_reject: str | None = None  # its reason
    notes: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    nulled: dict[str, int] = field(default_factory=dict)
    _rejects: Sink | None = None

    def take(self, batch: Batch, *, known: bool = False) -> None:
        """Write the records of `batch`.

        Args:
            known: Its values are part of what the schema was settled from.
        """
        if not known:
            self.witness.observe(batch)
            unfit = self.witness.misfits(self.schema)
            self.holds = self.holds and unfit is not None
            self.given_up |= unfit or frozenset()
        self.facts.update(batch.facts)
        self.notes.update(dict.fromkeys(batch.notes))
        self.warnings.update(dict.fromkeys(batch.warnings))
        self.rows_read += batch.columns.num_rows + len(batch.bad)
        if self.holds:
            looked = {} if known else self.witness.cast
            self._write(batch, looked)
        self.witness.job.tick(batch.columns.num_rows + len(batch.bad), batch.size_bytes)

    def _write(self, batch: Batch, looked: Mapping[str, Mapping[str, pa.Array]]) -> None:
        job = self.witness.job
        cast = cast_batch(
            batch,
            looked,
            schema=self.schema,
            terms=job.terms,
            part=self.witness.uri,
            lineage=job.lineage,
            given_up=self.given_up,
        )
        for column, count in cast.misfits.nulled.items():
            self.nulled[column] = self.nulled.get(column, 0) + count
        self._refuse(batch, cast)
        increment = self.increment
        old = increment.old(cast.column(increment.cursor.field), cast.digester()) if increment else None
        self.sink.write(cast.kept(old))
        misfits = cast.rejects(old, item=self.item)
        self.misfits += len(misfits)
        rejects = [*self._unreadable(batch), *misfits]
        self.rejected += len(rejects)
        if rejects and job.keep_rejects:
            self._rejects = self._rejects or self.open_rejects()
            rejects.sort(key=lambda reject: reject.row)
            self.first_reject = self.first_reject or rejects[0].reason
            self._rejects.write(reject_batch(rejects, mask=job.mask))

    def _refuse(self, batch: Batch, cast: CastBatch) -> None:
        job, first = self.witness.job, cast.first_misfit()
        if first is None or job.terms.mode is not ContractMode.FREEZE:
            return
        position, reason, value = first
        raise ContractBroken(
            f"{self.witness.uri}: row {batch.rows[position]}, {reason}: '{masked(value, job.mask)}'.",
            hint="ask the source what changed, or use another mode than freeze",
        )

    def _unreadable(self, batch: Batch) -> list[Reject]:
        return [
            Reject(
                part=self.witness.uri,
                row=bad.row,
                item=self.item,
                stage="convert",
                column=bad.column,
                rule=bad.rule,
                value=None,
                reason=bad.reason,
                record=raw_record_text(bad.text),
            )
            for bad in batch.bad
        ]
