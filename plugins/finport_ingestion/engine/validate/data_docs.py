"""The report as Great Expectations' Data Docs: one HTML file that needs no network and no other file.

Great Expectations judges (gx_judge.py) the metrics that were measured and renders what comes of it. Its pages load
scripts and styles from the internet, so the page around its sections is ours (docs/page.j2): it runs no script and may
fetch nothing. Values are masked before they come here, and escaped here: the sections put them in as they are.
"""

from __future__ import annotations

import html
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import great_expectations
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.render.components import RenderedDocumentContent, RenderedSectionContent, RenderedTableContent
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from finport_ingestion.engine.validate.findings import Sample
from finport_ingestion.engine.validate.gx_judge import configuration_of, judge
from finport_ingestion.engine.validate.measures import Outcome
from finport_ingestion.engine.validate.report import SAMPLE_COUNT, Report
from finport_ingestion.engine.validate.rules import AggregateCheck
from finport_ingestion.engine.validate.score import WEIGHTS

_TEMPLATES = Path(__file__).with_name("docs")


class _OfflinePageView(DefaultJinjaPageView):
    """GX's view with our page around its sections, and the same ids for the same report."""

    def __init__(self) -> None:
        self._ids = count(1)
        super().__init__()
        theirs = [self.env.loader] if self.env.loader else []
        self.env.loader = ChoiceLoader([FileSystemLoader(_TEMPLATES), *theirs])

    def generate_html_element_uuid(self, prefix: str | None = None) -> str:
        return f"{prefix or ''}{next(self._ids)}"


def render(report: Report) -> str:
    """The page."""
    results = validation_result(report)
    document: RenderedDocumentContent = ValidationResultsPageRenderer().render(results)
    overview, *sections = document.sections
    statistics = overview.content_blocks[1]
    for section in sections:
        heading = section.content_blocks[0].header.string_template  # a column's name, put into the page as it is
        heading["template"] = html.escape(heading["template"])
    document = RenderedDocumentContent(
        renderer_type="ValidationResultsPageRenderer",
        page_title=f"{report.subject.source}: quality of {report.subject.dataset}",
        expectation_suite_name=report.suite_name,
        sections=[_gate_section(report, statistics), *sections],
        utm_medium="validation-results-page",
    )
    return str(_OfflinePageView().render(document, report=report))  # type: ignore[no-untyped-call]


def validation_result(report: Report) -> ExpectationSuiteValidationResult:
    """The suite's result as Great Expectations' own object, out of the figures that were measured."""
    results = [_judged(report, outcome) for outcome in report.measures.outcomes]
    successful = sum(bool(result.success) for result in results)
    return ExpectationSuiteValidationResult(
        success=successful == len(results),
        results=results,
        suite_name=report.suite_name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": successful,
            "unsuccessful_expectations": len(results) - successful,
            "success_percent": 100 * successful / len(results) if results else None,
        },
        meta={
            "great_expectations_version": great_expectations.__version__,
            "run_id": {"run_name": report.subject.run_id, "run_time": "__none__"},
        },
    )


def _judged(report: Report, outcome: Outcome) -> ExpectationValidationResult:
    """One rule: judged by Great Expectations from our metrics where it knows metrics of that kind, else stated.

    The verdict is the gate's own: it compares bounds as decimals, and Great Expectations as floats.
    """
    check = outcome.rule.check
    measured = isinstance(check, AggregateCheck) and isinstance(outcome.observed, int | float | Decimal)
    if outcome.problem or not (outcome.considered or measured):
        return _stated(outcome)
    result = judge(outcome.rule, partial(_metric, report, outcome), sample_count=SAMPLE_COUNT)
    result.success = outcome.success
    for end in ("min_value", "max_value"):
        bound = outcome.rule.arguments.get(end)
        if isinstance(bound, Decimal) and result.expectation_config:
            result.expectation_config.kwargs[end] = str(bound)  # shown as its author wrote it, not as a float
    return result


def _stated(outcome: Outcome) -> ExpectationValidationResult:
    """The verdict in the words of Great Expectations, whose engines know no types and schemas of Arrow."""
    raised = {"raised_exception": bool(outcome.problem), "exception_message": outcome.problem}
    observed = None if outcome.observed is None else html.escape(str(outcome.observed))
    return ExpectationValidationResult(
        success=outcome.success,
        expectation_config=configuration_of(outcome.rule),
        result={} if observed is None else {"observed_value": observed},
        exception_info={**raised, "exception_traceback": None},
    )


def _metric(report: Report, outcome: Outcome, name: str) -> Any:
    """A metric by the name that Great Expectations gives it; their beginnings differ, their endings do not."""
    ending = name.rpartition(".")[2]
    if name == "table.row_count":
        return report.measures.row_count
    if name == "column_values.nonnull.unexpected_count":
        return report.measures.missing[outcome.rule.arguments["column"]]
    endings = {
        "unexpected_count": outcome.unexpected,
        "filtered_row_count": outcome.considered,
        "unexpected_values": [_shown(sample) for sample in report.samples.get(outcome.rule.id, ())],
        "unexpected_index_list": None,
        "unexpected_index_query": None,
    }
    return endings.get(ending, outcome.observed)


def _shown(sample: Sample) -> str:
    texts = ", ".join("null" if text is None else text for text in sample.texts)
    return html.escape(f"{texts} (row {sample.row} of {sample.part})")


def _gate_section(report: Report, statistics: RenderedTableContent) -> RenderedSectionContent:
    """What the run depends on: the conditions of the gate, and how many records came and went."""
    conditions = [[_mark(threshold.passed), html.escape(threshold.told)] for threshold in report.thresholds]
    rows = [[html.escape(name), number] for name, number in report.rows().items()]
    shares = [[name, f"{float(report.shares.of(name)):.4%}", weight] for name, weight in WEIGHTS.items()]
    return RenderedSectionContent(
        section_name="Overview",
        content_blocks=[
            _table("Gate", ["", "Condition"], conditions),
            _table("Records", ["", "Count"], rows),
            _table(f"Score {report.score:.2f}", ["Share", "Measured", "Weight"], shares),
            statistics,
        ],
    )


def _mark(passed: bool) -> str:
    return f'<span class="{"passed" if passed else "failed"}">{"✓" if passed else "✗"}</span>'


def _table(title: str, header: list[str], rows: list[list[Any]]) -> RenderedTableContent:
    return RenderedTableContent(
        content_block_type="table",
        header=title,
        header_row=header,
        table=rows,
        styling={"body": {"classes": ["table"]}},
    )
