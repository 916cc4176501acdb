"""Check what was converted, keep the bad records apart, and let nothing through that is worse than the policy allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.errors import QualityGateFailed, Skipped
from finport_ingestion.engine.records import Manifest, Part, StepResult
from finport_ingestion.engine.step import StepContext
from finport_ingestion.engine.validate.findings import positions_of, rejected_in, touched_parts
from finport_ingestion.engine.validate.measures import Measures, measure
from finport_ingestion.engine.validate.passed import Changes, write_passed
from finport_ingestion.engine.validate.quarantine import Quarantine
from finport_ingestion.engine.validate.report import Report, make_report, write_report
from finport_ingestion.engine.validate.rules import Severity
from finport_ingestion.engine.validate.score import Threshold, gate, shares_of
from finport_ingestion.engine.validate.staged import Staged, open_staged
from finport_ingestion.engine.validate.suite import Suite, make_suite


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of checking."""

    measures: Measures
    thresholds: tuple[Threshold, ...]
    parts: tuple[Part, ...]
    rejects: Part | None
    report: Report


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
            raise Skipped(f"{context.source.name}: a dry run collects nothing that could be checked.")
        upstream = context.upstream()
        quality = context.plan.settings(context.source, context.step).quality
        if quality.skip or context.flags.skip_data_quality:
            return _unchecked(context, upstream)
        checked = _check(context, upstream, quality)
        if not checked.report.passed:
            (context.folder("staging") / "manifest.json").unlink(missing_ok=True)
            raise _gate_failed(context, checked)
        return _passed(context, upstream, checked)
