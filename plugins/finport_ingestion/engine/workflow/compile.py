"""A Workflow document and everything it refers to, compiled to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.alias_generators import to_camel

from finport_ingestion.engine.model import plain
from finport_ingestion.engine.workflow.plan import Plan

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.config.models.documents import Source, Workflow

_KEPT = (
    "source",
    "item_columns",
    "incremental",
    "frequency",
    "depends_on",
    "merge_keys",
    "time_zone",
    "description",
    "owner",
)


def compile_plan(catalog: Catalog, workflow_name: str) -> Plan:
    """The plan of a workflow whose documents are all right; `${VARIABLES}` stay as they are written."""
    workflow: Workflow = catalog.workflow(workflow_name)
    spec = workflow.spec
    return Plan.model_validate(
        {
            "workflow": workflow_name,
            "description": spec.description,
            "owner": spec.owner,
            "tags": sorted({*spec.tags, *workflow.metadata.labels.values(), "finport"}),
            "schedule": spec.schedule,
            "timeout": spec.timeout,
            "layout": spec.layout,
            "maxActiveRuns": spec.max_active_runs,
            "steps": _steps(workflow),
            "sources": [_source(catalog, source) for source in catalog.sources_of(workflow_name)],
        }
    )


def _steps(workflow: Workflow) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for step in workflow.spec.steps:
        previous = (steps[-1]["name"],) if steps else ()
        fields = {**plain(step), "timeout": step.timeout, "retries": step.retries}
        steps.append({**fields, "dependsOn": previous if step.depends_on is None else step.depends_on})
    return steps


def _source(catalog: Catalog, source: Source) -> dict[str, Any]:
    # Models go into the plan as they are: they are frozen and checked, and keep what the author wrote apart.
    spec = source.spec
    fields: dict[str, Any] = {to_camel(key): getattr(spec, key) for key in _KEPT if key in spec.model_fields_set}
    dataset = spec.dataset or source.metadata.name
    fields |= {
        "name": source.metadata.name,
        "labels": dict(source.metadata.labels),
        "dataset": dataset,
        "provides": spec.provides or (dataset,),
        "contract": spec.contract,
        "settings": catalog.settings(source.metadata.name).settings,
    }
    if spec.authentication:
        fields["auth"] = catalog.authentication(spec.authentication).spec.auth
    if spec.convert:
        fields["convert"] = spec.convert
    elif spec.format:
        format_spec = catalog.format(spec.format).spec
        fields["convert"] = format_spec.convert
        if format_spec.contract and not spec.contract.columns:
            fields["contract"] = format_spec.contract
    return fields
