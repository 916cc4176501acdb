"""Convert landed parts to Parquet of one schema: infer it from samples, convert in batches, reconcile at the end."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from finport_ingestion.engine.convert.cast import Reading
from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.conversion import Landed, convert_part, relabelled
from finport_ingestion.engine.convert.fragments import Fragment, assemble_rejects, read_fragment, write_fragment
from finport_ingestion.engine.convert.increment import Cursor
from finport_ingestion.engine.convert.interface import RawFile, Reader
from finport_ingestion.engine.convert.isolation import isolated
from finport_ingestion.engine.convert.item_columns import WithItemColumns, item_values
from finport_ingestion.engine.convert.numerals import NumberStyle
from finport_ingestion.engine.convert.opened import Opened
from finport_ingestion.engine.convert.recognise import options_of, reader_of
from finport_ingestion.engine.convert.reconcile import Conversion, reconcile
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.results import PartResult, condensed
from finport_ingestion.engine.convert.sampling import sample, slice_size
from finport_ingestion.engine.convert.settle import Seen, Terms, settle
from finport_ingestion.engine.convert.table_pass import Job
from finport_ingestion.engine.convert.tables import OneTable
from finport_ingestion.engine.convert.workplan import FILE_NAME, WorkPlan
from finport_ingestion.engine.dealing import deal
from finport_ingestion.engine.errors import ChecksumMismatch, ConfigError, PermanentError, Skipped
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.model import plain
from finport_ingestion.engine.options import FormatOptions
from finport_ingestion.engine.records import Manifest, Part, StepResult
from finport_ingestion.engine.step import StepContext

if TYPE_CHECKING:
    from upath import UPath

_LEAST_BATCH_BYTES = 8 << 20


class ConvertStep:
    """Every landed part becomes one Parquet file; all of a run have one schema."""

    def split(self, context: StepContext) -> StepResult:
        """Recognise the formats, propose a schema and deal the parts into batches.

        Raises:
            Skipped: Nothing was collected.
            FormatError: A part is not of its format.
        """
        upstream = context.upstream()
        if not upstream.parts:
            raise Skipped(f"{context.source.name}: nothing was collected.")
        files = [_raw(part, context) for part in upstream.parts]
        stated = context.source.convert
        options = [options_of(p, raw=f, stated=stated) for p, f in zip(upstream.parts, files, strict=True)]
        typed = _typed(options, context)
        terms = _terms(context, options[0], typed=typed)
        readers = [
            _reader(chosen, part, upstream, context) for chosen, part in zip(options, upstream.parts, strict=True)
        ]
        job = _job(context, _cursor(context), terms, released=bool(upstream.facts.get("released")))
        samples = _samples(files, readers, job, context)
        settled = settle(samples, terms)
        batches = deal(
            [file.size_bytes for file in files], batches=context.step.parallel or 1, least=_LEAST_BATCH_BYTES
        )
        plan = WorkPlan(
            schema=settled.schema,
            samples=tuple(samples),
            options=tuple(plain(chosen) for chosen in options),
            batches=tuple(tuple(batch) for batch in batches),
            typed=typed,
            cursor=_cursor(context),
            notes=settled.notes,
        )
        write_bytes(context.folder("staging") / FILE_NAME, plan.to_json())
        return StepResult(
            batches=len(plan.batches),
            items=len({part.item for part in upstream.parts}),
            size_bytes=upstream.size_bytes,
            notes=settled.notes,
            schema=json.dumps(settled.schema.described(), ensure_ascii=False),
        )

    def work(self, context: StepContext) -> StepResult:
        """Convert the parts of one batch. What an earlier try completed is taken as it stands."""
        plan = _work_plan(context)
        batch = _batch_number(context, plan)
        fragment = read_fragment(context, batch, typed=plan.typed)
        if fragment is None:
            upstream = context.upstream()
            results = [self._convert(upstream, index, plan, context) for index in plan.batches[batch]]
            fragment = Fragment(tuple(results), assemble_rejects(results, batch=batch, context=context))
            write_fragment(context, batch, fragment)
        return StepResult(
            items=len({result.part.item for result in fragment.results}),
            rows_read=sum(result.rows_read for result in fragment.results),
            rows_passed=sum(result.part.row_count or 0 for result in fragment.results),
            rows_quarantined=sum(result.rejected for result in fragment.results),
            size_bytes=sum(result.part.size_bytes for result in fragment.results),
        )

    def seal(self, context: StepContext) -> StepResult:
        """Bring all parts to one schema and write the manifest.

        Raises:
            Skipped: Nothing is new behind the watermark.
            ContractBroken: The contract is frozen, and columns are new or missing.
        """
        plan = _work_plan(context)
        fragments = [read_fragment(context, batch, typed=plan.typed) for batch in range(len(plan.batches))]
        missing = [number for number, fragment in enumerate(fragments) if fragment is None]
        if missing:
            raise PermanentError(
                f"{context.source.name}: batch {missing[0]} of '{context.step.name}' is not complete.",
                hint="clear the batch's task, so that it runs again",
            )
        upstream = context.upstream()
        terms = _terms(context, _options(plan, 0), typed=plan.typed)

        def again(index: int, result: PartResult, schema: TargetSchema, remembered: Counter[str] | None) -> PartResult:
            if remembered is None and result.layout == schema.layout(result.seen.evidence):
                return _relabelled(upstream.parts[index], result, schema, context)
            return self._convert(upstream, index, plan, context, final=schema, remembered=remembered)

        complete = [fragment for fragment in fragments if fragment is not None]
        conversion = Conversion(upstream=upstream, plan=plan, fragments=complete, terms=terms, convert_again=again)
        return reconcile(context, conversion)

    def _convert(
        self,
        upstream: Manifest,
        index: int,
        plan: WorkPlan,
        context: StepContext,
        *,
        final: TargetSchema | None = None,
        remembered: Counter[str] | None = None,
    ) -> PartResult:
        part = upstream.parts[index]
        terms = _terms(context, _options(plan, 0), typed=plan.typed)
        job = _job(context, plan.cursor, terms, released=bool(upstream.facts.get("released")))
        job = dataclasses.replace(job, remembered=remembered)
        reader = _reader(_options(plan, index), part, upstream, context)
        landed = _landed(part, reader, context, rewritten=final is not None)
        if final is not None:
            return convert_part(landed, schema=final, job=job, settle_again=None)

        def settle_again(seen: Seen) -> TargetSchema:
            return settle(condensed([*plan.samples, seen]), terms).schema

        return convert_part(landed, schema=plan.schema, job=job, settle_again=settle_again)


def _samples(files: Sequence[RawFile], readers: Sequence[Reader], job: Job, context: StepContext) -> list[Seen]:
    size = slice_size(len(files))
    seen: list[Seen] = []
    for raw, reader in zip(files, readers, strict=True):
        context.deadline.check()
        seen.extend(sample(raw, reader, job=job, size_bytes=size).values())
    return condensed(seen)


def _raw(part: Part, context: StepContext) -> RawFile:
    path = context.places.at(part.uri)
    if path.stat().st_size != part.size_bytes:
        raise ChecksumMismatch(
            f"{part.uri}: {path.stat().st_size} bytes, but {part.size_bytes} were landed.",
            hint="something changed the landing area: run the source again",
        )
    settings = context.plan.settings(context.source, context.step)
    return RawFile(
        path=path,
        uri=part.uri,
        size_bytes=part.size_bytes,
        may_be_empty=settings.quality.min_rows == 0,
        limits=settings.reading,
    )


def _reader(options: FormatOptions, part: Part, upstream: Manifest, context: StepContext) -> Reader:
    plain = reader_of(options)
    if part.format not in FORMATS:  # otherwise we wrote the part ourselves
        isolating = isolated(plain) if plain.isolated else plain
        plain = Opened(isolating, options.unpack, _password(options, context))
    reader = OneTable(plain, options.table)
    if upstream.facts.get("released"):
        return reader  # a record that was set aside has the columns already
    values = item_values(context.source.item_columns, part.item, source=context.source.name)
    return WithItemColumns(reader, values) if values else reader


def _password(options: FormatOptions, context: StepContext) -> Callable[[], str | None]:
    connection = options.unpack.connection

    def password() -> str | None:
        return context.connections.get(connection).secret() if connection else None

    return password


def _relabelled(part: Part, result: PartResult, schema: TargetSchema, context: StepContext) -> PartResult:
    """The part as a batch has written it, with the labels of `schema`."""
    path = _staged("part", part, context, rewritten=True)
    written = context.places.at(result.part.uri)
    return relabelled(result, written, path, uri=context.places.relative(path), final=schema)


def _staged(kind: str, part: Part, context: StepContext, *, rewritten: bool) -> UPath:
    """A file of what becomes of a landed part."""
    digest = hashlib.sha256(part.uri.encode()).hexdigest()[:12]
    # A part that the seal writes again has a name of its own: what a batch has finished is never changed.
    return context.folder("staging") / f"{kind}-{part.sequence:05d}-{digest}{'-final' if rewritten else ''}.parquet"


def _landed(part: Part, reader: Reader, context: StepContext, *, rewritten: bool) -> Landed:
    path = _staged("part", part, context, rewritten=rewritten)
    rejects_path = _staged("rejects", part, context, rewritten=rewritten)
    return Landed(
        part=part,
        raw=_raw(part, context),
        reader=reader,
        path=path,
        uri=context.places.relative(path),
        rejects_path=rejects_path,
        rejects_uri=context.places.relative(rejects_path),
    )


def _job(context: StepContext, cursor: Cursor | None, terms: Terms, *, released: bool) -> Job:
    quality = context.plan.settings(context.source, context.step).quality

    def tick(rows: int, size_bytes: int) -> None:
        context.deadline.check()
        context.progress.advance(rows=rows, size_bytes=size_bytes)

    return Job(
        terms=terms,
        cursor=cursor,
        mask=quality.mask,
        keep_rejects=quality.quarantine,
        from_fields=released,
        tick=tick,
    )


def _terms(context: StepContext, options: FormatOptions, *, typed: bool) -> Terms:
    comma = getattr(options, "decimal_comma", False)
    reading = Reading(
        style=NumberStyle.COMMA if comma else NumberStyle.POINT,
        date_order=getattr(options, "date_order", None),
        time_zone=context.source.time_zone,
    )
    incremental = context.source.incremental
    cursor = incremental.field if incremental else None
    return Terms(contract=context.source.contract, reading=reading, typed=typed, cursor=cursor)


def _cursor(context: StepContext) -> Cursor | None:
    incremental = context.source.incremental
    if incremental is None:
        return None
    lookback, flags = incremental.lookback, context.flags
    if flags.backfills:
        return Cursor(field=incremental.field, start=flags.backfill_from, until=flags.backfill_until)
    if flags.force_run_all or flags.replay_of:
        return Cursor(field=incremental.field, lookback=lookback)
    after = context.memory.watermark(context.source.name, context.source.dataset)
    start = None if after else incremental.start
    return Cursor(field=incremental.field, after=after, start=start, lookback=lookback)


def _typed(options: Sequence[FormatOptions], context: StepContext) -> bool:
    kinds = {bool(FORMATS.get(chosen.format).typed) for chosen in options}
    if len(kinds) > 1:
        names = ", ".join(sorted({chosen.format for chosen in options}))
        raise ConfigError(
            f"{context.source.name}: delivers {names}, which cannot be one dataset.",
            hint="make a Source of each, or state the 'format'",
        )
    return kinds.pop()


def _options(plan: WorkPlan, index: int) -> FormatOptions:
    stated = plan.options[index]
    options: FormatOptions = FORMATS.get(stated["format"]).Options.model_validate(stated)
    return options


def _work_plan(context: StepContext) -> WorkPlan:
    path = context.folder("staging") / FILE_NAME
    if not path.exists():
        raise PermanentError(
            f"{context.source.name}: step '{context.step.name}' has not been split.",
            hint="clear its split task, so that it runs again",
        )
    return WorkPlan.from_json(path.read_bytes())


def _batch_number(context: StepContext, plan: WorkPlan) -> int:
    if context.batch is None or not 0 <= context.batch < len(plan.batches):
        raise PermanentError(f"{context.source.name}: '{context.step.name}' has no batch {context.batch}.")
    return context.batch
