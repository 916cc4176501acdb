"""All that is known of one run, as rows: from the ledger, and from what lies at its places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finport_ingestion.cli.run_places import places_of
from finport_ingestion.cli.screen import Row

if TYPE_CHECKING:
    from finport_ingestion.engine.state.delivered import EventRow
    from finport_ingestion.engine.state.reading import RunRow, StepRow
    from finport_ingestion.engine.workflow.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStory:
    """A run with its rows, ready to be printed."""

    run: RunRow
    sources: list[Row]
    steps: list[Row]
    notes: list[Row]
    places: list[Row]
    events: list[Row]

    def as_document(self) -> dict[str, Any]:
        """The same for programs."""
        run = self.run
        return {
            "run": run.key.run_id,
            "workflow": run.key.workflow,
            "status": str(run.status),
            "trigger": run.trigger,
            "driver": run.driver,
            "flags": dict(run.flags),
            "run_after": run.key.run_after,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "plan": run.plan,
            "sources": self.sources,
            "steps": self.steps,
            "notes": self.notes,
            "places": self.places,
            "events": self.events,
        }


def tell(run_name: str, services: Services) -> RunStory:
    """The story of a run.

    Raises:
        PermanentError: No run, or several, are called so.
    """
    state = services.state
    run = state.run(run_name)
    full_name = f"{run.key.workflow}/{run.key.run_id}"
    steps = state.steps(full_name)
    return RunStory(
        run=run,
        sources=[
            {"source": part.source, "dataset": part.dataset, "status": str(part.status), "why": part.reason}
            for part in run.sources
        ],
        steps=[_step(step) for step in steps],
        notes=sorted(_notes(steps), key=lambda note: note["at"]),
        places=places_of(run, steps, services.places),
        events=[_event(event) for event in state.events(full_name)],
    )


def _step(step: StepRow) -> dict[str, Any]:
    result = step.result
    took = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else None
    return {
        "source": step.source,
        "step": step.step,
        "unit": f"{step.phase} {step.batch}" if step.batch is not None else str(step.phase),
        "status": str(step.status),
        "try_number": step.try_number,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "seconds": took,
        "items": result.items if result else 0,
        "size_bytes": result.size_bytes if result else 0,
        "rows_read": result.rows_read if result else 0,
        "rows_passed": result.rows_passed if result else 0,
        "rows_quarantined": result.rows_quarantined if result else 0,
        "score": result.score if result else None,
        "commit": step.commit,
        "error": step.error_kind,
        "told": _told(step),
        "compensated_at": step.compensated_at,
    }


def _told(step: StepRow) -> str:
    sentences = [step.reason] if step.reason else list(step.result.notes) if step.result else []
    if step.error_kind and step.reason:
        sentences = [f"{step.error_kind}: {step.reason}"]
    if step.commit:
        sentences.append(f"commit {step.commit}")
    if step.compensated_at:
        sentences.append("taken back since")
    return "; ".join(sentences)


def _notes(steps: list[StepRow]) -> Iterator[dict[str, Any]]:
    for step in steps:
        for note in step.notes:
            yield {
                "at": note.at,
                "source": step.source,
                "step": step.step,
                "kind": note.kind,
                "try_number": note.try_number,
                "text": note.text,
            }


def _event(event: EventRow) -> dict[str, Any]:
    return {
        "time": event.time,
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "facts": dict(event.facts),
        "sent": [
            delivery.relay if delivery.sent_at else f"{delivery.relay} (waits, {delivery.attempts} attempts)"
            for delivery in event.deliveries
        ],
    }
