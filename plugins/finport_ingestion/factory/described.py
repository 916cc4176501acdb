"""The page that Airflow shows beside a DAG, written from its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finport_ingestion.engine.model import format_duration

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.plan import Plan, PlannedSource, PlannedStep


def doc_md(plan: Plan) -> str:
    """What the workflow does, for which sources, in which steps. Its digest makes every change a DAG version."""
    lines = [
        f"### {plan.workflow}",
        "",
        plan.description,
        "",
        "| source | dataset | protocol | what it is |",
        "|---|---|---|---|",
        *(_source_row(source) for source in plan.sources),
        "",
        "| step | agent | action | timeout | retries | parallel |",
        "|---|---|---|---|---|---|",
        *(_step_row(step) for step in plan.steps),
        "",
        f"A run has {format_duration(plan.timeout)}. Plan `{plan.digest[:12]}`.",
    ]
    return "\n".join(lines)


def _source_row(source: PlannedSource) -> str:
    description = source.description.replace("|", "\\|").replace("\n", " ")
    return f"| {source.name} | {source.dataset} | {source.source.protocol} | {description} |"


def _step_row(step: PlannedStep) -> str:
    timeout = format_duration(step.timeout)
    return f"| {step.name} | {step.agent} | `{step.action}` | {timeout} | {step.retries} | {step.parallel or ''} |"
