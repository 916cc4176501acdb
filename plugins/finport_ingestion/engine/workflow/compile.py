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
    "rights",
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


def plan_to_look(catalog: Catalog, source_name: str) -> Plan:
    """A plan to look at one source with, outside its workflows and whether or not it is enabled: nothing publishes.

    Raises:
        ConfigError: No such source, or something is wrong with it or with what it refers to.
    """
    spec = catalog.source(source_name).spec
    steps: list[dict[str, Any]] = [
        {"name": "collect", "agent": "collector", "action": "collect_data_from_source"},
        {"name": "convert", "agent": "converter", "action": "convert_to_standard_format", "dependsOn": ("collect",)},
    ]
    return Plan.model_validate(
        {
            "workflow": "look",
            "description": spec.description,
            "owner": spec.owner,
            "schedule": {},
            "timeout": "10m",
            "steps": [{**step, "timeout": "5m", "retries": 0, "parallel": 1} for step in steps],
            "sources": [_source(catalog, catalog.source(source_name))],
        }
    )


def _steps(workflow: Workflow) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = []
    for step in workflow.spec.steps:
        previous = (steps[-1]["name"],) if steps else ()
        fields = {**plain(step), "timeout": step.timeout, "retries": step.retries}
        steps.append({**fields, "dependsOn": previous if step.depends_on is None else step.depends_on})
    return steps


def _source(catalog: Catalog, source: Source, *, with_fallbacks: bool = True) -> dict[str, Any]:
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
    if spec.fallbacks and with_fallbacks:
        fallbacks = (catalog.source(name) for name in spec.fallbacks)
        fields["fallbacks"] = [_source(catalog, other, with_fallbacks=False) for other in fallbacks]
    return fields
