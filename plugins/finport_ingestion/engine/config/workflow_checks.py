"""What a Workflow document says of sources, steps and time, held against the other documents and the clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, cast

from finport_ingestion.engine.config.cron import cron_problem
from finport_ingestion.engine.config.graphs import circles, longest_way
from finport_ingestion.engine.config.loader import Document
from finport_ingestion.engine.config.mistakes import KeyPath, Mistake, listed, nearest, suggestion
from finport_ingestion.engine.config.models.documents import Workflow, WorkflowSpec, WorkflowStep
from finport_ingestion.engine.config.references import Finding, policies_of, rate_mistake
from finport_ingestion.engine.model import format_duration

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog

Actions = Collection[tuple[str, str]]
"""Every (agent, action) that a step may name."""


def workflow_mistakes(catalog: Catalog, known_actions: Actions | None) -> Iterator[Finding]:
    """The mistakes of all workflows; actions are only checked where the known ones are given."""
    for document in catalog.documents_of("Workflow"):
        if document.model is not None:
            for mistake in _mistakes(document, catalog, known_actions):
                yield document, mistake


def workflow_notes(catalog: Catalog) -> Iterator[Mistake]:
    """What is right, and still worth knowing: retries that no run has the time for."""
    for document in catalog.documents_of("Workflow"):
        if document.model is not None and not list(_time_mistakes(document)):
            yield from _retry_notes(document)


def steps_before(spec: WorkflowSpec) -> dict[str, tuple[str, ...]]:
    """The steps that each step comes directly after: those it names, or the one above it."""
    before: dict[str, tuple[str, ...]] = {}
    previous: tuple[str, ...] = ()
    for step in spec.steps:
        before[step.name] = previous if step.depends_on is None else step.depends_on
        previous = (step.name,)
    return before


def spec_of(document: Document) -> WorkflowSpec:
    """The spec of a Workflow document that is right."""
    return cast("Workflow", document.model).spec


def _mistakes(document: Document, catalog: Catalog, known_actions: Actions | None) -> Iterator[Mistake]:
    yield from _schedule_mistakes(document)
    yield from _selection_mistakes(document, catalog)
    yield from _step_mistakes(document)
    yield from _time_mistakes(document)
    if known_actions is not None:
        yield from _action_mistakes(document, known_actions)
    yield from _rate_mistakes(document, catalog)


def _schedule_mistakes(document: Document) -> Iterator[Mistake]:
    schedule = spec_of(document).schedule
    problem = cron_problem(schedule.cron) if schedule.cron is not None else None
    if problem is not None:
        yield document.mistake(("spec", "schedule", "cron"), problem)
    if schedule.interval is not None and not schedule.interval:
        yield document.mistake(("spec", "schedule", "interval"), "must be longer than 0s")


def _selection_mistakes(document: Document, catalog: Catalog) -> Iterator[Mistake]:
    selector = spec_of(document).sources
    unknown = [name for name in selector.names if catalog.find("Source", name) is None]
    for name in unknown:
        path: KeyPath = ("spec", "sources", "names", selector.names.index(name))
        yield document.mistake(path, f"unknown Source '{name}'; {suggestion(name, catalog.names('Source'))}")
    matching = catalog.matching(document)
    if matching and all(source.spec.get("enabled") is False for source in matching):
        names = listed([source.name or "?" for source in matching])
        yield document.mistake(("spec", "sources"), f"selects only sources that are not enabled: {names}")
    if not matching and selector.match_labels:
        labels = ", ".join(f"{key}={value}" for key, value in selector.match_labels.items())
        message = f"no source has the labels {labels}{_meant(selector.match_labels, catalog)}"
        yield document.mistake(("spec", "sources", "matchLabels"), message)


def _meant(labels: Mapping[str, str], catalog: Catalog) -> str:
    """The labels that sources do have and that are nearest to the ones asked for."""
    sources = catalog.documents_of("Source")
    for key, value in labels.items():
        values = {str(source.labels[key]) for source in sources if key in source.labels}
        near = nearest(value, values)
        if near is not None and near != value:
            return f"; did you mean {key}={near}?"
        if not values:
            near = nearest(key, {str(name) for source in sources for name in source.labels})
            return f"; did you mean the label '{near}'?" if near else ""
    return ""


def _step_mistakes(document: Document) -> Iterator[Mistake]:
    spec = spec_of(document)
    names = [step.name for step in spec.steps]
    for index, step in enumerate(spec.steps):
        path: KeyPath = ("spec", "steps", index)
        if step.name in names[:index]:
            yield document.mistake((*path, "name"), f"another step is called '{step.name}'; names are unique")
        if not step.timeout:
            yield document.mistake((*path, "timeout"), "must be longer than 0s")
        for place, name in enumerate(step.depends_on or ()):
            if name not in names:
                message = f"unknown step '{name}'; {suggestion(name, names)}"
                yield document.mistake((*path, "dependsOn", place), message)
    for circle in circles(steps_before(spec)) if len(set(names)) == len(names) else ():
        first = ("spec", "steps", names.index(circle[0]), "dependsOn")
        yield document.mistake(first, f"the steps go in a circle: {' -> '.join(circle)}; take one of them out")


def _time_mistakes(document: Document) -> Iterator[Mistake]:
    spec = spec_of(document)
    if not spec.timeout:
        yield document.mistake(("spec", "timeout"), "must be longer than 0s")
        return
    way = _critical(spec, {step.name: step.timeout for step in spec.steps})
    needed = sum((step.timeout for step in way), timedelta())
    if needed > spec.timeout:
        parts = " + ".join(f"{step.name} {format_duration(step.timeout)}" for step in way)
        yield document.mistake(
            ("spec", "timeout"),
            f"the steps may take {format_duration(needed)}, each tried once ({parts}), and the workflow has "
            f"{format_duration(spec.timeout)}; allow it more, or the steps less",
        )


def _retry_notes(document: Document) -> Iterator[Mistake]:
    spec = spec_of(document)
    duration = {step.name: step.timeout * (step.retries + 1) for step in spec.steps}
    needed = sum((duration[step.name] for step in _critical(spec, duration)), timedelta())
    if needed > spec.timeout:
        yield document.mistake(
            ("spec", "timeout"),
            f"with all retries the steps may take {format_duration(needed)}, and the workflow has "
            f"{format_duration(spec.timeout)}; a retry that cannot finish in time is not started",
        )


def _critical(spec: WorkflowSpec, duration: Mapping[str, timedelta]) -> list[WorkflowStep]:
    """The chain of steps that takes longest; none where the steps themselves are wrong."""
    before = steps_before(spec)
    known = all(name in before for names in before.values() for name in names)
    if not known or len(before) < len(spec.steps) or circles(before):
        return []
    steps = {step.name: step for step in spec.steps}
    return [steps[name] for name in longest_way(before, duration)]


def _action_mistakes(document: Document, known_actions: Actions) -> Iterator[Mistake]:
    agents = {agent for agent, _ in known_actions}
    for index, step in enumerate(spec_of(document).steps):
        path: KeyPath = ("spec", "steps", index)
        if step.agent not in agents:
            message = f"unknown agent '{step.agent}'; {suggestion(step.agent, agents)}"
            yield document.mistake((*path, "agent"), message)
        elif (step.agent, step.action) not in known_actions:
            actions = {action for agent, action in known_actions if agent == step.agent}
            message = f"{step.agent} has no action '{step.action}'; {suggestion(step.action, actions)}"
            yield document.mistake((*path, "action"), message)


def _rate_mistakes(document: Document, catalog: Catalog) -> Iterator[Mistake]:
    """Rates that a step's overrides lift above the global one, for any of the sources; each told once."""
    steps = spec_of(document).steps
    stating = [step.name for step in steps if "limits" in step.overrides.model_fields_set]
    sources = [source.name for source in catalog.selected(document) if source.name and catalog.has_layers(source)]
    found = {
        rate_mistake(
            partial(catalog.settings, source, step=(document.name or "", step)),
            document,
            policies=policies_of(catalog.find("Source", source), catalog),
        )
        for source in sources
        for step in stating
    }
    # A rate that a lower layer lifts is that document's mistake, and is told there.
    yield from (mistake for mistake in found if mistake is not None and mistake.path == document.path)
