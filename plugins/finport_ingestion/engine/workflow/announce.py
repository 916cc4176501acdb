"""Which events tell of a unit's end (EV-01..07)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finport_ingestion.engine.events.event import Event, event
from finport_ingestion.engine.workflow.registry import action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.records import StepResult
    from finport_ingestion.engine.step import RunKey
    from finport_ingestion.engine.workflow.perform import Unit


def finished(unit: Unit, result: StepResult, clock: Clock) -> list[Event]:
    """The events of a unit that did its work."""
    step = unit.plan.step(unit.step)
    name = action(step.agent, step.action).announces.get(unit.phase)
    if name is None:
        return []
    facts = {
        "manifest": result.manifest,
        "items": result.items,
        "rows_read": result.rows_read,
        "rows_passed": result.rows_passed,
        "rows_quarantined": result.rows_quarantined,
        "size_bytes": result.size_bytes,
        "schema": result.schema,
    }
    return [_of_unit(unit, name, {key: value for key, value in facts.items() if value}, clock)]


def skipped(unit: Unit, reason: str, clock: Clock) -> Event:
    """A source that had nothing to do."""
    return _of_unit(unit, "source_skipped", {"reason": reason}, clock)


def failed(unit: Unit, name: str, error: BaseException, clock: Clock) -> Event:
    """A unit that failed. The message is left out: it stands in the ledger, which has its own access rights."""
    return _of_unit(unit, name, {"error": type(error).__name__, "try": unit.try_number}, clock)


def workflow(name: str, run: RunKey, facts: Mapping[str, object], clock: Clock) -> Event:
    """`ingestion.workflow.started`, `.completed` or `.failed`."""
    return event(
        f"ingestion.workflow.{name}", run=run, source=None, subject=run.workflow, facts=facts, time=clock.now()
    )


def _of_unit(unit: Unit, name: str, facts: Mapping[str, object], clock: Clock) -> Event:
    return event(
        name,
        run=unit.run,
        source=unit.source,
        subject=unit.plan.source(unit.source).dataset,
        facts={"step": unit.step, **facts},
        time=clock.now(),
        distinguish=f"{unit.step}/{unit.phase}/{unit.batch}/{facts.get('try', '')}",
    )
