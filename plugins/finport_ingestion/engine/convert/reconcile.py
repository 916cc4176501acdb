"""The end of a conversion: one schema out of all evidence, parts that are narrower written again, the manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.fragments import Fragment, assemble_rejects, is_whole
from finport_ingestion.engine.convert.increment import Cursor, next_watermark, refuse_incomparable
from finport_ingestion.engine.convert.report import FileReport, Outcome, PartReport, TableReport, outcome_of
from finport_ingestion.engine.convert.results import PartResult, condensed
from finport_ingestion.engine.convert.settle import Settled, Terms, settle
from finport_ingestion.engine.convert.workplan import WorkPlan
from finport_ingestion.engine.errors import ConfigError, Skipped
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import Manifest, Part, StepResult, Watermark
from finport_ingestion.engine.step import StepContext, safe_name
from finport_ingestion.engine.ties import digests_of

_MOST_FILES = 1000

Again = Callable[[int, PartResult, TargetSchema, Counter[str] | None], PartResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Everything that the batches of a run have left."""

    upstream: Manifest
    plan: WorkPlan
    fragments: Sequence[Fragment]
    terms: Terms
    convert_again: Again
    """Brings the part of a number, as it was converted, to a schema that is final. With counts by digest, which say how
    often rows are to be left out of it, it is read once more."""


def reconcile(context: StepContext, conversion: Conversion) -> StepResult:
    """Write the manifest of the step.

    Raises:
        Skipped: Nothing is new behind the watermark.
        ContractBroken: The contract is frozen, and columns are new or missing.
    """
    plan, upstream = conversion.plan, conversion.upstream
    written = _in_order(plan, conversion.fragments)
    settled = settle(condensed([result.seen for result in written]), conversion.terms, final=True)
    if plan.cursor is not None:
        _refuse_cursor(plan.cursor, settled, rows=sum(result.rows_read for result in written))
    results = _same_schema(context, conversion, written, settled)
    results = _left_out_once(context, conversion, results, schema=settled.schema)
    rejects = _rejects(context, conversion, written, results)
    watermark = _watermark(plan.cursor, settled, results) if plan.cursor else upstream.watermark
    _skip_when_nothing_is_new(plan.cursor, results, source=context.source.name)
    notes = _notes(settled, results)
    manifest = context.manifest(
        replaces=upstream.replaces,
        parts=tuple(result.part for result in results),
        rejects=tuple(rejects),
        items=upstream.items,
        watermark=watermark,
        facts={**_facts(settled, results, plan, notes), "based_on": _based_on(plan.cursor, upstream)},
    )
    uri = context.write_manifest(manifest)
    return StepResult(
        manifest=uri,
        items=len({part.item for part in manifest.parts}),
        rows_read=sum(result.rows_read for result in results),
        rows_passed=manifest.row_count,
        rows_quarantined=sum(result.rejected for result in results),
        size_bytes=manifest.size_bytes,
        notes=notes,
        schema=json.dumps(settled.schema.described(), ensure_ascii=False),
        place=context.places.relative(context.folder("staging")),
    )


def _in_order(plan: WorkPlan, fragments: Sequence[Fragment]) -> list[PartResult]:
    found: dict[int, PartResult] = {}
    for numbers, fragment in zip(plan.batches, fragments, strict=True):
        found.update(zip(numbers, fragment.results, strict=True))
    return [found[number] for number in sorted(found)]


def _same_schema(
    context: StepContext, conversion: Conversion, written: Sequence[PartResult], settled: Settled
) -> list[PartResult]:
    """The parts with the final schema."""
    final = list(written)
    for index, result in enumerate(written):
        if result.fingerprint != settled.schema.fingerprint:
            final[index] = _again(context, conversion, result, index=index, schema=settled.schema)
    return final


def _left_out_once(
    context: StepContext, conversion: Conversion, results: Sequence[PartResult], *, schema: TargetSchema
) -> list[PartResult]:
    """The parts without the rows that earlier runs took, each left out as often as it was taken.

    Each part was read as if it were the only one: where rows that are alike came in several, too many may be missing.
    """
    after = conversion.plan.cursor.after if conversion.plan.cursor else None
    left = digests_of(after.ties if after else ())
    final = list(results)
    for index, result in enumerate(results):
        again = result.taken.again if result.taken else Counter[str]()
        if not again <= left:
            final[index] = _again(context, conversion, result, index=index, schema=schema, remembered=left)
            again &= left
        left -= again
    return final


def _rejects(
    context: StepContext, conversion: Conversion, written: Sequence[PartResult], final: Sequence[PartResult]
) -> list[Part]:
    """The quarantine files of all batches."""
    rejects: list[Part] = []
    for batch, (numbers, fragment) in enumerate(zip(conversion.plan.batches, conversion.fragments, strict=True)):
        changed = any(final[number] is not written[number] for number in numbers)
        part = fragment.rejects
        if changed:
            part = assemble_rejects([final[number] for number in numbers], batch=batch, context=context)
        rejects.extend([part] if part else [])
    return rejects


def _again(
    context: StepContext,
    conversion: Conversion,
    result: PartResult,
    *,
    index: int,
    schema: TargetSchema,
    remembered: Counter[str] | None = None,
) -> PartResult:
    """The part with `schema`; an earlier try of the seal may have written it."""
    stem = result.part.uri.rpartition("/")[2].removesuffix(".parquet")
    kind = "final" if remembered is None else "counted"
    note = context.folder("staging") / f"{kind}-{safe_name(stem)}.json"
    if note.exists():
        known = PartResult.from_plain(json.loads(note.read_bytes()), typed=conversion.plan.typed)
        if known.fingerprint == schema.fingerprint and is_whole(known.part, context):
            return known
    converted = conversion.convert_again(index, result, schema, remembered)
    write_bytes(note, (json.dumps(converted.to_plain(), indent=1, ensure_ascii=False) + "\n").encode())
    return converted


def _refuse_cursor(cursor: Cursor, settled: Settled, *, rows: int) -> None:
    column = settled.schema.find_folded(cursor.field)
    known = [found.name for found in settled.schema.columns]
    if column is None or not column.keys:
        if rows:
            raise ConfigError(
                f"incremental field '{cursor.field}' is not in the data.", hint=f"known columns: {', '.join(known)}"
            )
        return
    if not column.ordered:
        raise ConfigError(
            f"incremental field '{cursor.field}' is {column.spelling}, which has no order.",
            hint=f"choose another field of {', '.join(known)}",
        )
    if rows:
        refuse_incomparable(cursor, column.logical, agreed=column.agreed, known=known)


def _watermark(cursor: Cursor, settled: Settled, results: Sequence[PartResult]) -> Watermark | None:
    column = settled.schema.find_folded(cursor.field)
    taken = [result.taken for result in results if result.taken is not None]
    if cursor.until is not None:
        return None
    if column is None or not taken:
        return cursor.after
    return next_watermark(cursor, column.logical, taken)


def _skip_when_nothing_is_new(cursor: Cursor | None, results: Sequence[PartResult], *, source: str) -> None:
    left = sum((result.part.row_count or 0) + result.rejected for result in results)
    if cursor is not None and cursor.after is not None and left == 0:
        raise Skipped(f"{source}: nothing new since {cursor.field} {cursor.after.value}.")


def _notes(settled: Settled, results: Sequence[PartResult]) -> tuple[str, ...]:
    nulled: Counter[str] = Counter()
    for result in results:
        nulled.update(result.nulled)
    taken = [result.taken for result in results if result.taken is not None]
    told = [sentence for result in results for sentence in (*result.warnings, *result.notes)]
    notes = [*settled.notes, *told]
    notes.extend(f"column '{name}': {count} values that do not fit are null" for name, count in sorted(nulled.items()))
    if without := sum(found.without_value for found in taken):
        notes.append(f"{without} rows have no value in the incremental field; they are kept")
    return tuple(dict.fromkeys(notes))


def _files(settled: Settled, results: Sequence[PartResult], plan: WorkPlan) -> list[dict[str, Any]]:
    """What became of each landed part; of very many parts only those that a person should look at."""
    reports = [_report(result, options) for result, options in zip(results, plan.options, strict=True)]
    if len(reports) > _MOST_FILES:
        reports = [report for report in reports if report.outcome is not Outcome.OK][:_MOST_FILES]
    return [report.to_plain(measured=False) for report in reports]


def _report(result: PartResult, options: Mapping[str, Any]) -> FileReport:
    part = PartReport(path=result.part.uri, rows=result.part.row_count or 0, bytes=result.part.size_bytes)
    table = TableReport(
        name=str(options.get("table") or ""),
        rows=part.rows,
        quarantined=result.rejected,
        columns=(),  # the same for all: they stand in `schema`
        parts=(part,),
    )
    return FileReport(
        path=result.part.made_from[0],
        outcome=outcome_of(quarantined=result.rejected, warned=bool(result.warnings)),
        format=str(options["format"]),
        encoding=result.facts.get("encoding"),
        compression=result.facts.get("compression"),
        tables=(table,),
        warnings=result.warnings,
        notes=result.notes,
    )


def _based_on(cursor: Cursor | None, upstream: Manifest) -> str | None:
    """Behind which mark it was fetched; where no column is the cursor, the source knows."""
    if cursor is None:
        stated: str | None = upstream.facts.get("based_on")
        return stated
    return cursor.after.value if cursor.after else None


def _facts(settled: Settled, results: Sequence[PartResult], plan: WorkPlan, notes: Sequence[str]) -> dict[str, Any]:
    taken = [result.taken for result in results if result.taken is not None]
    facts: dict[str, Any] = {
        "schema": settled.schema.described(),
        "formats": sorted({str(options["format"]) for options in plan.options}),
        "files": _files(settled, results, plan),
        "drift": list(settled.drift),
        "notes": list(notes),
        "rows_read": sum(result.rows_read for result in results),
        "rows_rejected": sum(result.rejected for result in results),
    }
    if plan.cursor is not None:
        facts["already_taken"] = sum(found.already_taken for found in taken)
        facts["before_start"] = sum(found.before_start for found in taken)
    return facts
