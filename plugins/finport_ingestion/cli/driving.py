"""Run a plan in this process for a person: progress on the way, then what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from finport_ingestion.cli import screen
from finport_ingestion.cli.exits import Ending
from finport_ingestion.cli.screen import Row, column
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.step import Flags, RunKey

if TYPE_CHECKING:
    from finport_ingestion.cli.run_story import RunStory
    from finport_ingestion.engine.workflow.lifecycle import Outcome
    from finport_ingestion.engine.workflow.plan import Plan
    from finport_ingestion.engine.workflow.services import Services

_STEPS = (
    column("source"),
    column("step"),
    column("status"),
    column("seconds", right=True, spell=screen.spell_seconds),
    column("items", right=True, spell=screen.spell_some),
    column("size_bytes", "size", right=True, spell=screen.spell_some_bytes),
    column("rows_read", "read", right=True, spell=screen.spell_some),
    column("rows_passed", "passed", right=True, spell=screen.spell_some),
    column("rows_quarantined", "quarantined", right=True, spell=screen.spell_some),
    column("score", right=True),
    column("told", "what happened"),
)
_COUNTS = ("items", "size_bytes", "rows_read", "rows_passed", "rows_quarantined")
_GOOD = ("succeeded", "skipped")
_ENDS = ("failed", "abandoned", "retrying", "running", "skipped", "succeeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What is to be run."""

    plan: Plan
    services: Services
    sources: Sequence[str]
    run: RunKey
    flags: Flags = field(default_factory=Flags)


def new_run(services: Services, workflow: str, *, prefix: str) -> RunKey:
    """A run that stands for now; ids of the same prefix sort by time."""
    now = services.clock.now()
    return RunKey(workflow=workflow, run_id=f"{prefix}-{now:%Y%m%dT%H%M%S.%fZ}", run_after=now)


def named_run(services: Services, workflow: str, run_id: str) -> RunKey:
    """The run of that id: a new one, or one that did not end well, begun again with all of its time.

    Raises:
        PermanentError: The run has ended well; beginning it again could only undo it.
    """
    try:
        known = services.state.run(f"{workflow}/{run_id}")
    except PermanentError:
        known = None
    if known is None or (known.key.workflow, known.key.run_id) != (workflow, run_id):
        return RunKey(workflow=workflow, run_id=run_id, run_after=services.clock.now())
    if str(known.status) in _GOOD:
        raise PermanentError(f"run {run_id} has {known.status}.", hint="leave --run-id out, or name another run")
    services.state.restart_run(known.key)
    return known.key


def drive(wanted: Drive, *, as_json: bool) -> None:
    """Run it, tell what came of it, and end with the exit code that says so."""
    from finport_ingestion.cli.progress import Watch
    from finport_ingestion.cli.run_story import tell
    from finport_ingestion.engine.workflow.driver import Ingest

    in_order = [name for name in wanted.plan.source_order() if name in wanted.sources]
    with Watch(wanted.plan, in_order, quiet=as_json) as watch:
        outcome = Ingest(
            plan=wanted.plan,
            run=wanted.run,
            services=wanted.services,
            sources=tuple(wanted.sources),
            flags=wanted.flags,
            progress=watch,
            report=watch.report,
        )()
    story = tell(f"{wanted.run.workflow}/{wanted.run.run_id}", wanted.services)
    if as_json:
        screen.show_json(_document(story, outcome))
    else:
        _show(story, outcome)
    if outcome.failed:
        raise typer.Exit(Ending.REFUSED)


def _document(story: RunStory, outcome: Outcome) -> dict[str, Any]:
    whole = story.as_document()
    return {
        "run": whole["run"],
        "workflow": whole["workflow"],
        "status": str(outcome.status),
        "sources": story.sources,
        "steps": by_step(story.steps),
        "places": story.places,
    }


def _show(story: RunStory, outcome: Outcome) -> None:
    screen.say()
    screen.show_table(by_step(story.steps), _STEPS)
    for source in story.sources:
        if source["status"] != "succeeded":
            screen.say(f"{source['source']}: {source['status']}: {source['why'] or 'no reason is known'}")
    screen.say(f"run {story.run.key.run_id}: {outcome.status}", style="bold")
    screen.remark(f"'finport show {story.run.key.run_id}' tells more")


def by_step(units: Sequence[Row]) -> list[Row]:
    """One row for each step of a source, out of its units of work."""
    steps: dict[tuple[str, str], list[Row]] = {}
    for unit in units:
        steps.setdefault((unit["source"], unit["step"]), []).append(unit)
    return [_folded(parts) for parts in steps.values()]


def _folded(parts: list[Row]) -> Row:
    last = parts[-1]
    statuses = {part["status"] for part in parts}
    counts: dict[str, Any] = {}
    for name in _COUNTS:
        # The closing unit counts the whole; a step that failed before it has only its batches' counts.
        batches = [part[name] for part in parts if part["unit"].startswith("batch") and part[name]]
        counts[name] = last[name] or sum(batches) or parts[0][name]
    began = [part["started_at"] for part in parts if part["started_at"]]
    ended = [part["ended_at"] for part in parts if part["ended_at"]]
    return {
        **{name: last[name] for name in ("source", "step", "score", "commit", "error")},
        **counts,
        "status": next(status for status in _ENDS if status in statuses),
        "tries": max(part["try_number"] for part in parts),
        "started_at": min(began, default=None),
        "ended_at": max(ended, default=None),
        "seconds": (max(ended) - min(began)).total_seconds() if began and ended else None,
        "told": "; ".join(dict.fromkeys(part["told"] for part in parts if part["told"])),
    }
