"""Which events tell of a unit's end and of a run's (EV-01..07)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import AccessDenied
from finport_ingestion.engine.events.event import Event, EventType, Facts, Occasion, facts_of
from finport_ingestion.engine.sources.opening import login_facts
from finport_ingestion.engine.step import Phase
from finport_ingestion.engine.workflow.registry import action
from finport_ingestion.engine.workflow.standins import served

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.records import StepResult
    from finport_ingestion.engine.step import RunKey
    from finport_ingestion.engine.workflow.perform import Unit
    from finport_ingestion.engine.workflow.plan import Plan
    from finport_ingestion.engine.workflow.services import Services


def finished(unit: Unit, result: StepResult, clock: Clock) -> list[Event]:
    """The events of a unit that did its work."""
    step = unit.plan.step(unit.step)
    source = unit.plan.source(unit.source)
    return [
        Event.of(
            EventType.named(name),
            _occasion(unit),
            at=clock.now(),
            facts={**source.rights_facts, **facts_of(result)},
            schema=result.schema,
            relays=source.settings.events.relays,
        )
        for name in action(step.agent, step.action).announces.get(unit.phase, ())
    ]


def failed(unit: Unit, error: BaseException, clock: Clock) -> list[Event]:
    """The events of a try that failed. The message stays in the ledger, which has its own access rights."""
    step = unit.plan.step(unit.step)
    name = action(step.agent, step.action).announces_failure
    if name is None:
        return []
    source = unit.plan.source(unit.source)
    return [
        Event.of(
            EventType.named(name),
            _occasion(unit, try_number=unit.try_number),
            at=clock.now(),
            facts={"error": type(error).__name__},
            relays=source.settings.events.relays,
        )
    ]


def refused(unit: Unit, error: BaseException, services: Services) -> list[Event]:
    """That access was refused, if that is what ended a try.

    Only steps that ask the source tell its method and connection: a storage, say, has a login of its own.
    """
    if not isinstance(error, AccessDenied):
        return []
    step = unit.plan.step(unit.step)
    source = served(unit.plan, unit.run, unit.source, services)
    login = login_facts(source) if action(step.agent, step.action).asks else {}
    return [
        Event.of_api(
            EventType.ACCESS_REFUSED,
            source.served_by or source.name,
            at=services.clock.now(),
            facts={**login, "error": type(error).__name__, "step": unit.step, "try_number": unit.try_number},
            run=unit.run,
            once_for=f"{unit.run} {unit.step} {unit.phase} {unit.batch} {unit.try_number}",
            relays=source.settings.events.relays,
        )
    ]


def workflow(event_type: EventType, plan: Plan, run: RunKey, facts: Facts, clock: Clock) -> Event:
    """That a run has started, completed or failed."""
    return Event.of(event_type, Occasion(run=run), at=clock.now(), facts=facts, relays=relays_of(plan))


def relays_of(plan: Plan) -> tuple[str, ...]:
    """Every relay that a source of the plan names."""
    return tuple(sorted({name for source in plan.sources for name in source.settings.events.relays}))


def _occasion(unit: Unit, *, try_number: int | None = None) -> Occasion:
    return Occasion(
        run=unit.run,
        source=unit.source,
        dataset=unit.plan.source(unit.source).dataset,
        step=unit.step,
        batch=unit.batch if unit.phase is Phase.BATCH else None,
        try_number=try_number,
    )
