"""What a person reads about a delivery: `quality.json` with every figure, and Great Expectations' Data Docs beside it.

The JSON needs nothing but this package and is the same for the same delivery, byte for byte. The Data Docs cost the
import of Great Expectations, so they are written last and only where the policy asks for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from upath import UPath

from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.rejects import Masking, masked
from finport_ingestion.engine.validate.findings import Sample, samples_of
from finport_ingestion.engine.validate.measures import Measures, Outcome
from finport_ingestion.engine.validate.rules import AggregateCheck, SchemaCheck
from finport_ingestion.engine.validate.score import WEIGHTS, Shares, Threshold
from finport_ingestion.engine.validate.staged import Staged
from finport_ingestion.engine.validate.suite import Suite

SAMPLE_COUNT = 10
"""Records shown for each expectation that is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was checked."""

    workflow: str
    source: str
    dataset: str
    run_id: str
    rejects: str | None  # uri of the quarantined records of this step
    rejected_before: int  # records that conversion rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is told of one delivery."""

    subject: Subject
    suite: Suite
    measures: Measures
    shares: Shares
    thresholds: tuple[Threshold, ...]
    samples: Mapping[str, tuple[Sample, ...]]  # by rule id; texts masked

    @property
    def passed(self) -> bool:
        return all(threshold.passed for threshold in self.thresholds)

    @property
    def score(self) -> float:
        return self.shares.score

    @property
    def suite_name(self) -> str:
        return f"{self.subject.source}.{self.subject.dataset}"

    def rows(self) -> dict[str, int]:
        """How many records came, passed and were kept back."""
        before, measures = self.subject.rejected_before, self.measures
        return {
            "read": measures.row_count + before,
            "converted": measures.row_count,
            "passed": measures.row_count - measures.rejected,
            "rejected": measures.rejected,
            "rejectedByConversion": before,
            "repeatedKeys": measures.repeated,
            "incomplete": measures.incomplete,
        }


def write_report(report: Report, folder: UPath, *, docs: bool) -> str:
    """Write the report into `folder`; the name of the file that a person opens."""
    write_bytes(folder / "quality.json", quality_json(report))
    if not docs:
        return "quality.json"
    from finport_ingestion.engine.validate.data_docs import render

    write_bytes(folder / "index.html", render(report).encode())
    return "index.html"


def quality_json(report: Report) -> bytes:
    """The whole report; the same delivery gives the same bytes."""
    subject, shares = report.subject, report.shares
    document = {
        "workflow": subject.workflow,
        "source": subject.source,
        "dataset": subject.dataset,
        "runId": subject.run_id,
        "suite": report.suite_name,
        "passed": report.passed,
        "score": report.score,
        "shares": {name: {"value": float(shares.of(name)), "weight": WEIGHTS[name]} for name in WEIGHTS},
        "thresholds": [asdict(threshold) for threshold in report.thresholds],
        "rows": report.rows(),
        "columns": [_column(report, name) for name in report.suite.columns],
        "rules": [
            rule_facts(outcome, samples=report.samples.get(outcome.rule.id, ())) for outcome in report.measures.outcomes
        ],
        "rejects": subject.rejects,
    }
    return (json.dumps(document, indent=1, ensure_ascii=False, default=str) + "\n").encode()


def without_values(staged: Staged, measures: Measures, how: Masking) -> tuple[Measures, dict[str, tuple[Sample, ...]]]:
    """The figures with no record's value in them unless masked, and samples by rule id."""
    outcomes, samples = [], {}
    for number, outcome in enumerate(measures.outcomes):
        outcomes.append(replace(outcome, observed=_masked_observed(outcome, how)))
        found = samples_of(staged, number, limit=SAMPLE_COUNT)
        if found:
            samples[outcome.rule.id] = tuple(
                replace(sample, texts=tuple(masked(text, how) for text in sample.texts)) for sample in found
            )
    return replace(measures, outcomes=tuple(outcomes)), samples


def rule_facts(outcome: Outcome, *, samples: tuple[Sample, ...] = ()) -> dict[str, Any]:
    """One rule and what came of it."""
    rule = outcome.rule
    facts = {
        "id": rule.id,
        "type": rule.type,
        "arguments": json.loads(json.dumps(rule.arguments, default=str)),
        "severity": rule.severity,
        "origin": rule.origin,
        "passed": outcome.success,
        "considered": outcome.considered,
        "unexpected": outcome.unexpected,
        "rejected": outcome.rejected,
        "observed": str(outcome.observed) if isinstance(outcome.observed, Decimal) else outcome.observed,
        "problem": outcome.problem,
        "judgedBy": outcome.judged_by,
        "samples": [asdict(sample) for sample in samples],
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, [])}


def preload() -> None:
    """Import Great Expectations, which takes seconds: once, in a process that forks or works on many sources."""
    from finport_ingestion.engine.validate import data_docs  # noqa: F401


def _column(report: Report, name: str) -> dict[str, Any]:
    missing, count = report.measures.missing.get(name, 0), report.measures.row_count
    return {
        "name": name,
        "type": str(report.suite.columns[name].type),
        "missing": missing,
        "missingShare": missing / count if count else 0.0,
        "counted": name in report.suite.counted,
        "required": name in report.suite.required,
    }


def _masked_observed(outcome: Outcome, how: Masking) -> Any:
    """What a rule saw: numbers about the table stay, a value that some record holds is masked."""
    check, observed = outcome.rule.check, outcome.observed
    if observed is None or isinstance(check, SchemaCheck):
        return observed
    of_a_record = isinstance(check, AggregateCheck) and check.holds is not None
    if of_a_record or not isinstance(observed, int | float | Decimal):
        return observed if how == "none" and isinstance(observed, int | float | Decimal) else masked(str(observed), how)
    return observed
