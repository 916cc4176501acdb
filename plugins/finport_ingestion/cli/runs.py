"""`finport runs` and `finport show RUN`: what was done, and why something was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.options import AsJson, RunName, WorkflowName
from finport_ingestion.cli.screen import column

if TYPE_CHECKING:
    from datetime import datetime

    from finport_ingestion.cli.run_story import RunStory
    from finport_ingestion.engine.state.reading import RunRow

_RUNS = (
    column("run", "run id"),
    column("workflow"),
    column("status"),
    column("trigger"),
    column("driver"),
    column("started_at", "started (UTC)"),
    column("seconds", right=True, spell=screen.spell_seconds),
    column("sources"),
)
_SOURCES = (column("source"), column("dataset"), column("status"), column("why"))
_STEPS = (
    column("source"),
    column("step"),
    column("unit"),
    column("status"),
    column("try_number", "try", right=True),
    column("seconds", right=True, spell=screen.spell_seconds),
    column("items", right=True, spell=screen.spell_some),
    column("size_bytes", "size", right=True, spell=screen.spell_some_bytes),
    column("rows_read", "read", right=True, spell=screen.spell_some),
    column("rows_passed", "passed", right=True, spell=screen.spell_some),
    column("rows_quarantined", "quarantined", right=True, spell=screen.spell_some),
    column("score", right=True),
    column("told", "what happened"),
)
_NOTES = (column("at", "at (UTC)"), column("source"), column("step"), column("kind"), column("text"))
_PLACES = (column("source"), column("what"), column("where"), column("holds"))
_EVENTS = (column("time", "at (UTC)"), column("type"), column("subject"), column("sent"))


def list_runs(
    workflow: WorkflowName = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest runs, newest first."""
    found = surroundings.state().runs(limit, workflow)
    screen.show_table([_row(run) for run in found], _RUNS, as_json=as_json, empty="nothing has run yet")


def show(run: RunName, as_json: AsJson = False) -> None:
    """Tell what happened in a run: by source and step, why something was skipped or failed, where records went."""
    from finport_ingestion.cli.run_story import tell

    story = tell(run, surroundings.services())
    if as_json:
        screen.show_json(story.as_document())
    else:
        _print_story(story)


def _print_story(story: RunStory) -> None:
    run = story.run
    screen.say(f"Run {run.key.run_id} of workflow {run.key.workflow}: {run.status}", style="bold")
    screen.say(_about(run))
    for title, rows, columns in (
        ("Sources", story.sources, _SOURCES),
        ("Steps", story.steps, _STEPS),
        ("Tries and decisions", story.notes, _NOTES),
        ("Where records went", story.places, _PLACES),
        ("Events", story.events, _EVENTS),
    ):
        if rows:
            screen.heading(title)
            screen.show_table(rows, columns)


def _about(run: RunRow) -> str:
    flags = [f"{name}={value}" if not isinstance(value, bool) else name for name, value in run.flags.items() if value]
    parts = [
        f"{run.trigger} by {run.driver}",
        f"started {screen.spell(run.started_at)} UTC",
        f"ended {screen.spell(run.ended_at)} UTC" if run.ended_at else "not ended",
        f"plan {run.plan[:12]}" if run.plan else "no plan",
        *([f"asked for {', '.join(flags)}"] if flags else []),
    ]
    return "; ".join(parts)


def _row(run: RunRow) -> dict[str, Any]:
    return {
        "run": run.key.run_id,
        "workflow": run.key.workflow,
        "status": str(run.status),
        "trigger": run.trigger,
        "driver": run.driver,
        "run_after": run.key.run_after,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "seconds": _seconds(run.started_at, run.ended_at),
        "sources": [f"{source.source}: {source.status}" for source in run.sources],
    }


def _seconds(began: datetime, ended: datetime | None) -> float | None:
    return (ended - began).total_seconds() if ended else None
