"""Check what was converted, keep bad records apart, let nothing through that is worse than the policy allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC

import pyarrow as pa

from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.errors import QualityGateFailed, Skipped
from finport_ingestion.engine.records import POSITIONS, Manifest, Part, Replaces, StepResult, Watermark
from finport_ingestion.engine.rejects import write_rejects
from finport_ingestion.engine.step import StepContext
from finport_ingestion.engine.validate.findings import nulled_in, rejected_in, touched_parts
from finport_ingestion.engine.validate.measures import measure
from finport_ingestion.engine.validate.passed import Changes, split_part
from finport_ingestion.engine.validate.quarantine import reject_batches
from finport_ingestion.engine.validate.report import Report, Subject, rule_facts, without_values, write_report
from finport_ingestion.engine.validate.score import gate, shares_of
from finport_ingestion.engine.validate.staged import Staged, open_staged
from finport_ingestion.engine.validate.suite import Suite, make_suite
from finport_ingestion.engine.watermarks import is_behind, watermark_of


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of checking: the judgement, what goes on, what is kept back, where a person reads it."""

    report: Report
    parts: tuple[Part, ...]
    rejects: Part | None
    page: str  # uri

    @property
    def rejected(self) -> int:
        return self.report.measures.rejected


class ValidateStep:
    """`base-data-quality` / `validate_data_quality`."""

    def run(self, context: StepContext) -> StepResult:
        """Write the passed parts, the rejects, the report and the manifest.

        Raises:
            QualityGateFailed: The delivery is worse than the policy allows. The report and the rejects stand, the
                manifest does not, so that no later step can use the parts.
            Skipped: A dry run has nothing to check.
        """
        if context.flags.dry_run:
            raise Skipped(f"{context.source.name}: a dry run converts nothing that could be checked.")
        upstream = context.upstream()
        quality = context.plan.settings(context.source, context.step).quality
        if quality.skip or context.flags.skip_data_quality:
            return _unchecked(context, upstream)
        checked = _check(context, upstream, quality)
        if not checked.report.passed:
            (context.folder("staging") / "manifest.json").unlink(missing_ok=True)
            raise _gate_failed(context, checked)
        return _passed(context, upstream, checked)


def _check(context: StepContext, upstream: Manifest, quality: QualitySettings) -> _Checked:
    # Without a quarantine the rejects of the conversion are only counted.
    before = int(upstream.facts.get("rows_rejected", upstream.reject_count))
    with open_staged(upstream.parts, places=context.places, deadline=context.deadline) as staged:
        run_on = context.run.run_after.astimezone(UTC).date()
        suite = make_suite(context.source.contract, quality, schema=staged.record_schema, run_on=run_on)
        measures = measure(staged, suite)
        parts, rejects = _separate(context, upstream, staged=staged, suite=suite, quality=quality)
        shown, samples = without_values(staged, measures, quality.mask)
    shares = shares_of(measures, suite, rejected_before=before)
    report = Report(
        subject=_subject(context, rejects=rejects, before=before),
        suite=suite,
        measures=shown,
        shares=shares,
        thresholds=gate(measures, shares, quality=quality, rejected_before=before),
        samples=samples,
    )
    folder = context.folder("reports")
    page = write_report(report, folder, docs=quality.report)
    return _Checked(report, parts, rejects, context.places.relative(folder / page))


def _subject(context: StepContext, *, rejects: Part | None, before: int) -> Subject:
    return Subject(
        workflow=context.run.workflow,
        source=context.source.name,
        dataset=context.source.dataset,
        run_id=context.run.run_id,
        rejects=rejects.uri if rejects else None,
        rejected_before=before,
    )


def _separate(
    context: StepContext, upstream: Manifest, *, staged: Staged, suite: Suite, quality: QualitySettings
) -> tuple[tuple[Part, ...], Part | None]:
    """Passed parts in order, and the rejects (None when there are none, or none are kept)."""
    passed: list[Part] = []
    path = context.folder("quarantine") / "validate.parquet"
    batches = _take_apart(context, upstream, staged=staged, suite=suite, passed=passed)
    kept = None
    if quality.quarantine:
        kept = write_rejects(path, batches, uri=context.places.relative(path))
    for _ in batches:
        pass  # the passed parts are written as the rejects are taken
    if kept is None:
        path.unlink(missing_ok=True)  # of an earlier try that found some
    return tuple(passed), kept


def _take_apart(
    context: StepContext, upstream: Manifest, *, staged: Staged, suite: Suite, passed: list[Part]
) -> Iterator[pa.RecordBatch]:
    """Rows for the quarantine; `passed` fills with the parts that go on."""
    mask = context.plan.settings(context.source, context.step).quality.mask
    touched = touched_parts(staged)
    for index, part in enumerate(upstream.parts):
        context.deadline.check()
        if index not in touched:
            passed.append(part)
            continue
        found = rejected_in(staged, index)
        positions = sorted(set(found["position"].to_pylist()))
        changes = Changes(rejected=positions, nulled=nulled_in(staged, index, suite.rules))
        if not changes.rejected and not changes.nulled:
            passed.append(part)  # only warnings
            continue
        target = context.folder("staging") / f"part-{index:05d}.parquet"
        for rows in split_part(part, changes, target=target, places=context.places, passed=passed):
            yield from reject_batches(rows, found, rules=suite.rules, part=part, mask=mask)


def _passed(context: StepContext, upstream: Manifest, checked: _Checked) -> StepResult:
    report = checked.report
    facts = {
        **upstream.facts,
        "unchecked": False,
        "score": report.score,
        "thresholds": [asdict(threshold) for threshold in report.thresholds],
        "rules": [rule_facts(outcome) for outcome in report.measures.outcomes],
        "rows": report.rows(),
        "report": checked.page,
    }
    manifest = context.manifest(
        replaces=upstream.replaces,
        parts=checked.parts,
        rejects=(*upstream.rejects, *([checked.rejects] if checked.rejects else [])),
        items=upstream.items,
        watermark=_watermark(context, upstream, checked.parts),
        facts=facts,
    )
    context.progress.advance(rows=report.measures.row_count)
    return StepResult(
        manifest=context.write_manifest(manifest),
        items=len(upstream.items),
        rows_read=report.measures.row_count,
        rows_passed=manifest.row_count,
        rows_quarantined=checked.rejected,
        size_bytes=manifest.size_bytes,
        score=report.score,
        notes=_notes(checked),
        place=checked.page,
    )


def _notes(checked: _Checked) -> tuple[str, ...]:
    outcomes = [outcome for outcome in checked.report.measures.outcomes if not outcome.success]
    told = [f"{outcome.rule.id}: {outcome.problem or f'{outcome.unexpected} records break it'}" for outcome in outcomes]
    slow = sorted({o.rule.type for o in checked.report.measures.outcomes if o.judged_by == "great_expectations"})
    return (*told, *(f"{type_} ran through Great Expectations on pandas, which is slower" for type_ in slow))


def _watermark(context: StepContext, upstream: Manifest, passed: Sequence[Part]) -> Watermark | None:
    if upstream.watermark is None or upstream.facts.get("released"):
        return None
    if upstream.watermark.type == POSITIONS:
        return upstream.watermark  # of the items, and not of the rows that passed
    whole = upstream.replaces is Replaces.SOURCE
    previous = None if whole else context.memory.watermark(context.source.name, context.source.dataset)
    incremental = context.source.incremental
    reached = watermark_of(
        passed,
        upstream.parts,
        upstream.watermark,
        previous=previous,
        lookback=incremental.lookback if incremental else None,
        places=context.places,
    )
    # A replay of an old run does not move the mark back.
    return None if context.flags.replay_of and is_behind(reached, previous) else reached


def _gate_failed(context: StepContext, checked: _Checked) -> QualityGateFailed:
    broken = [threshold.told for threshold in checked.report.thresholds if not threshold.passed]
    rejects = f" Rejected records: {checked.rejects.uri}." if checked.rejects else ""
    return QualityGateFailed(
        f"{context.source.name}: the delivery fails the quality gate, nothing is published. {'; '.join(broken)}."
        f" Report: {checked.page}.{rejects}",
        hint="have the source corrected, repair and release the rejected records, or change the policy's 'quality'",
    )


def _unchecked(context: StepContext, upstream: Manifest) -> StepResult:
    manifest = context.manifest(
        replaces=upstream.replaces,
        parts=upstream.parts,
        rejects=upstream.rejects,
        items=upstream.items,
        watermark=_watermark(context, upstream, upstream.parts),
        facts={**upstream.facts, "unchecked": True},
    )
    return StepResult(
        manifest=context.write_manifest(manifest),
        items=len(upstream.items),
        rows_read=upstream.row_count,
        rows_passed=upstream.row_count,
        size_bytes=upstream.size_bytes,
        notes=("the records were not checked, as asked",),
    )
