"""`finport plan`: what a workflow will do, with where each value came from; `--diff`: what a change would alter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.options import AsJson
from finport_ingestion.cli.screen import column

if TYPE_CHECKING:
    from finport_ingestion.cli.plan_diff import Alteration
    from finport_ingestion.cli.plan_origins import Stated
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.project import Project
    from finport_ingestion.engine.workflow.plan import Plan

_STEPS = (
    column("name", "step"),
    column("agent"),
    column("action"),
    column("timeout"),
    column("retries", right=True),
    column("parallel", right=True),
    column("dependsOn", "after"),
    column("pool"),
    column("priority", right=True),
)
_STATED = (column("key"), column("value"), column("origin", "from"))


def plan(
    workflow: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="One workflow; all by default.")] = None,
    diff: Annotated[
        str | None,
        typer.Option("--diff", metavar="GIT_REV", help="Tell what changed in the plans since this revision."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the plan of a workflow: steps, sources, and every setting with where its value came from."""
    project = surroundings.project()
    documents = surroundings.catalog(project)
    if diff is not None:
        _show_diff(project, documents, revision=diff, workflow=workflow, as_json=as_json)
        return
    names = [workflow] if workflow else list(documents.usable_workflows)
    shown = [_document(documents, name) for name in names]
    if as_json:
        screen.show_json(shown)
        return
    for one in shown:
        _print(one)
    if workflow is None and documents.mistakes:
        screen.remark(f"{len(documents.mistakes)} mistake(s) keep other workflows out; 'finport validate' shows them")


def _document(documents: Catalog, name: str) -> dict[str, Any]:
    from finport_ingestion.cli.plan_origins import stated_by
    from finport_ingestion.engine.workflow.compile import compile_plan

    compiled = compile_plan(documents, name)
    whole = effective(compiled)
    sources = [
        {
            **source,
            "stated": [_stated(one) for one in stated_by(documents, compiled, source["name"])],
            **_forecast(documents, source["name"]),
        }
        for source in whole.pop("sources")
    ]
    return {**whole, "dagId": compiled.dag_id, "digest": compiled.digest, "sources": sources}


def _forecast(documents: Catalog, source: str) -> dict[str, list[str]]:
    """Whether the requests that are left of the day suffice; nothing where no quota is stated."""
    from finport_ingestion.engine.errors import FinportError
    from finport_ingestion.engine.workflow.health import forecast_for

    if documents.settings(source).settings.limits.quota.requests is None:
        return {}
    try:
        return {"forecast": [f"quota: {forecast_for(documents, source, surroundings.services())}"]}
    except FinportError as error:
        # A plan is also printed where nothing is set up yet.
        return {"forecast": [f"quota: not known here: {error.message}"]}


def effective(compiled: Plan) -> dict[str, Any]:
    """The plan as plain values in YAML's spelling, defaults and all."""
    return compiled.model_dump(mode="json", by_alias=True)


def _stated(one: Stated) -> dict[str, Any]:
    return {"key": one.key, "value": one.value, "origin": one.origin}


def _print(shown: dict[str, Any]) -> None:
    screen.say(f"Workflow {shown['workflow']} (DAG {shown['dagId']})", style="bold")
    screen.say(shown["description"])
    screen.say(
        f"runs {spell_schedule(shown['schedule'])}; at most {shown['timeout']} a run, {shown['maxActiveRuns']} at a "
        f"time; owner {shown['owner']}; tags {', '.join(shown['tags'])}; layout {shown['layout']}; "
        f"plan {shown['digest'][:12]}"
    )
    screen.heading("Steps, for each source")
    screen.show_table(shown["steps"], _STEPS)
    for source in shown["sources"]:
        screen.heading(f"Source {source['name']}, into dataset {source['dataset']}")
        screen.say(source["description"])
        rows = [{**one, "value": spell_value(one["value"])} for one in source["stated"]]
        screen.show_table(rows, _STATED)
        for told in source.get("forecast", ()):
            screen.say(told)
    screen.say()


def spell_schedule(schedule: dict[str, Any]) -> str:
    """A schedule as a person says it."""
    ways = {
        "cron": f"at '{schedule.get('cron')}' {schedule.get('timeZone')}",
        "interval": f"every {schedule.get('interval')}",
        "continuous": "again and again",
        "allAssets": f"when all of {', '.join(schedule.get('allAssets') or ())} were updated",
        "anyAssets": f"when one of {', '.join(schedule.get('anyAssets') or ())} was updated",
    }
    return ", or ".join(way for key, way in ways.items() if schedule.get(key)) or "when it is started by hand"


def spell_value(value: object) -> str:
    """A value of a document, on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {spell_value(member)}" for key, member in value.items())
    if isinstance(value, list):
        return f"[{', '.join(spell_value(member) for member in value)}]"
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _show_diff(project: Project, documents: Catalog, *, revision: str, workflow: str | None, as_json: bool) -> None:
    from finport_ingestion.cli.plan_diff import alterations, compiled_plans
    from finport_ingestion.cli.revision import documents_at

    now = compiled_plans(documents)
    with documents_at(project, revision) as old_project:
        before = compiled_plans(surroundings.catalog(old_project))
    if workflow is not None:
        if workflow not in before.plans:
            documents.workflow(workflow)
        now, before = now.only(workflow), before.only(workflow)
    found = alterations(before, now)
    if as_json:
        screen.show_json([one.as_row() for one in found])
    else:
        _tell_alterations(found, revision)


def _tell_alterations(found: list[Alteration], revision: str) -> None:
    if not found:
        screen.say(f"no plan differs from {revision}")
    workflow = None
    for one in found:
        if one.workflow != workflow:
            workflow = one.workflow
            screen.say(f"Workflow {workflow}", style="bold")
        screen.say(f"  {one}")
