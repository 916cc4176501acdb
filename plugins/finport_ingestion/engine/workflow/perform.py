"""Carry out one unit of a plan: what both drivers, Airflow's operators and `finport ingest`, have in common.

The order is always the same: the ledger says that the unit begins, the step does its work, and what came of it (counts,
publication, events) is committed in one transaction once the step's data is durable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.config.environment import fill
from finport_ingestion.engine.errors import FinportError, LeaseHeld, Skipped
from finport_ingestion.engine.records import Publication, Replaces, StepResult
from finport_ingestion.engine.resilience.retry import Attempt, Decision, decide
from finport_ingestion.engine.resilience.watch import Watch
from finport_ingestion.engine.sources.opening import open_source
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.keys import StepKey
from finport_ingestion.engine.step import Flags, NoProgress, Phase, Progress, Publishing, RunKey, StepContext
from finport_ingestion.engine.workflow import announce
from finport_ingestion.engine.workflow.plan import Plan, PlannedSource
from finport_ingestion.engine.workflow.registry import ACTIONS, action, action_key
from finport_ingestion.engine.workflow.services import Services
from finport_ingestion.engine.workflow.standins import DOWN, is_given_up, served
from finport_ingestion.engine.workflow.switching import (
    ask_others,
    break_off,
    is_fresh,
    leave_stale,
    may_switch,
    settle_service,
)
from finport_ingestion.engine.workflow.taking_back import take_back_stand_ins

_RESERVE_SECONDS = 60.0
_RESERVE_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One task's worth of a plan."""

    plan: Plan
    run: RunKey
    source: str
    step: str
    phase: Phase
    batch: int | None = None
    try_number: int = 1
    flags: Flags = field(default_factory=Flags)
    progress: Progress = field(default_factory=NoProgress)

    @property
    def key(self) -> StepKey:
        return StepKey(
            run=self.run,
            source=self.source,
            dataset=self.plan.source(self.source).dataset,
            step=self.step,
            phase=self.phase,
            batch=self.batch,
        )


class StepFailed(Exception):
    """A unit failed; `decision` says whether it is tried again. The cause is the error itself."""

    def __init__(self, error: BaseException, decision: Decision) -> None:
        super().__init__(f"{error} ({decision.reason})")
        self.error = error
        self.decision = decision


def perform(unit: Unit, services: Services) -> StepResult:
    """Do the unit's work; repeating it is safe.

    Raises:
        Skipped: There was nothing to do, with the reason; it stands in the ledger.
        StepFailed: It failed. When no further try helps, what the source had published in this run is taken back.
    """
    _begin(unit, services)
    try:
        result = _result(unit, services)
    except Skipped as skipped:
        if is_fresh(unit, skipped):
            settle_service(unit, services, unchanged=True)
        services.state.skip_step(unit.key, skipped.message)
        services.state.finish_source(unit.run, unit.source, unit.key.dataset, "skipped", skipped.message)
        raise
    except Exception as error:
        raise StepFailed(error, _record_failure(unit, error, services)) from error
    except BaseException as interruption:
        # A task's timeout or Ctrl-C: the ledger must not say "running" for ever.
        _record_failure(unit, interruption, services)
        raise
    provides = unit.plan.source(unit.source).provides
    services.state.finish_step(unit.key, result, announce.finished(unit, result, services.clock), provides=provides)
    if result.publication is not None:
        settle_service(unit, services)
    if unit.step == unit.plan.steps[-1].name and unit.phase in (Phase.RUN, Phase.SEAL):
        services.state.finish_source(unit.run, unit.source, unit.key.dataset, "succeeded")
    return result


def _begin(unit: Unit, services: Services) -> None:
    left = deadline_of(unit, services).seconds_left()
    try:
        services.state.begin_step(
            unit.key, try_number=unit.try_number, timeout_seconds=max(left, 1.0), actor=Actor.current()
        )
    except LeaseHeld as held:
        # The ledger's entry is the holder's: there is nothing of this run to record or to take back.
        raise StepFailed(held, _decision(unit, held, services)) from held


def _result(unit: Unit, services: Services) -> StepResult:
    """What came of the unit, from the source or from one that stands in for it."""
    with services.gates.watched(unit.run) as watch:

        def work() -> StepResult:
            context = context_of(unit, services, watch)
            context.deadline.check()
            take_back_stand_ins(context, services)
            return _call(context, unit)

        try:
            result = work()
        except DOWN as error:
            again = _decision(unit, error, services).again
            if not may_switch(unit) or not is_given_up(error, again=again):
                if not again:
                    break_off(unit, error, services)
                raise
            try:
                result = ask_others(unit, error, services, kind=lambda: _kind(unit, services), work=work)
            except DOWN as last:
                if not _decision(unit, last, services).again:
                    leave_stale(unit, last, services)
                raise
        return _told(unit, result, watch, services)


def _kind(unit: Unit, services: Services) -> Replaces:
    return open_source(context_of(unit, services)).replaces(None)


def _told(unit: Unit, result: StepResult, watch: Watch, services: Services) -> StepResult:
    """The result with notes on what happened at the gates, and on who serves."""
    source = served(unit.plan, unit.run, unit.source, services)
    notes = [*result.notes, *watch.notes]
    if source.stands_in_for and unit.phase is not Phase.BATCH:
        notes.append(f"{source.served_by} stands in for {source.stands_in_for}")
    return dataclasses.replace(result, notes=tuple(notes))


def context_of(unit: Unit, services: Services, gates: Watch | None = None) -> StepContext:
    """All that the unit's step may use, with `${VARIABLES}` filled in.

    Raises:
        ConfigError: A variable is not set.
    """
    return _context(unit, services, _filled(served(unit.plan, unit.run, unit.source, services), services), gates)


def _filled(source: PlannedSource, services: Services) -> PlannedSource:
    # A variable that only a fallback needs must not stop the source itself.
    alone = source.model_copy(update={"fallbacks": ()}) if source.fallbacks else source
    return fill(alone, services.environment, key=f"source {source.served_by or source.name}")


def _context(unit: Unit, services: Services, source: PlannedSource, gates: Watch | None = None) -> StepContext:
    return StepContext(
        plan=unit.plan,
        source=source,
        step=unit.plan.step(unit.step),
        run=unit.run,
        batch=unit.batch,
        deadline=deadline_of(unit, services),
        places=services.places,
        connections=services.connections,
        memory=services.state,
        vault=services.state.tokens,
        clock=services.clock,
        progress=unit.progress,
        flags=unit.flags,
        gates=gates,
    )


def deadline_of(unit: Unit, services: Services) -> Deadline:
    """The end of this try: the step's timeout, or what is left of the workflow's time if that is less."""
    step = unit.plan.step(unit.step)
    now = services.clock.now()
    ends_at = min(now + step.timeout, workflow_ends_at(unit.plan, unit.run, services))
    return Deadline(ends_at=ends_at, clock=services.clock, what=f"step '{step.name}' of {unit.source}")


def workflow_ends_at(plan: Plan, run: RunKey, services: Services) -> datetime:
    """When the run's time is up: a little before Airflow would end it, so that we end it, with a message."""
    started_at = services.state.run(str(run)).started_at
    reserve = min(_RESERVE_SECONDS, plan.timeout.total_seconds() * _RESERVE_SHARE)
    return started_at + plan.timeout - timedelta(seconds=reserve)


def seconds_left(plan: Plan, run: RunKey, services: Services) -> float:
    """What is left of the workflow's time."""
    return (workflow_ends_at(plan, run, services) - services.clock.now()).total_seconds()


def published(plan: Plan, run: RunKey, source: str, services: Services) -> Publication | None:
    """What the store's commit log says that this run published for a source."""
    for context, step in _publishing(plan, run, source, services):
        publication = step.find(context)
        if publication is not None:
            return publication
    return None


def take_back(plan: Plan, run: RunKey, source: str, services: Services, *, reason: str) -> str:
    """Undo what a failed run published for a source, if it did, and close its saga; one sentence about it."""
    dataset = plan.source(source).dataset
    notes = []
    for context, step in _publishing(plan, run, source, services):
        publication = step.find(context)
        if publication is not None:
            notes.append(step.compensate(context))
            services.state.forget_publication(publication.source, dataset, publication.run_id)
    note = "; ".join(notes) or "nothing had been published"
    services.state.finish_source(run, source, dataset, "failed", f"{reason} ({note})")
    return note


def _publishing(plan: Plan, run: RunKey, source: str, services: Services) -> Iterator[tuple[StepContext, Publishing]]:
    """The steps of the plan that publish, last first, each with its context."""
    for planned in reversed(plan.steps):
        if action(planned.agent, planned.action).publishes:
            unit = Unit(plan=plan, run=run, source=source, step=planned.name, phase=Phase.RUN)
            step: Publishing = ACTIONS.get(action_key(planned.agent, planned.action))()  # type: ignore[assignment]
            # What was published is settled also where a variable of the source itself is gone.
            serves = served(plan, run, source, services)
            settings = fill(serves.settings, services.environment, key=f"source {source}")
            filled = serves.model_copy(update={"settings": settings})
            yield _context(unit, services, filled), step


def _call(context: StepContext, unit: Unit) -> StepResult:
    planned = context.step
    step = ACTIONS.get(action_key(planned.agent, planned.action))()
    method = {Phase.RUN: "run", Phase.SPLIT: "split", Phase.BATCH: "work", Phase.SEAL: "seal"}[unit.phase]
    result: StepResult = getattr(step, method)(context)
    return result


def _record_failure(unit: Unit, error: BaseException, services: Services) -> Decision:
    decision = _decision(unit, error, services)
    services.state.fail_step(
        unit.key,
        type(error).__name__,
        str(error) or type(error).__name__,
        final=not decision.again,
        events=[*announce.failed(unit, error, services.clock), *announce.refused(unit, error, services)],
    )
    services.state.record_decision(unit.key, decision.reason)
    if not decision.again:
        try:
            take_back(unit.plan, unit.run, unit.source, services, reason=str(error))
        except FinportError as trouble:
            # The saga stays open, and the error that began it all is the one to be told.
            later = "the next run or 'finport recover' settles what was published"
            services.state.record_decision(unit.key, f"{trouble}; {later}")
    return decision


def _decision(unit: Unit, error: BaseException, services: Services) -> Decision:
    planned, source = unit.plan.step(unit.step), unit.plan.source(unit.source)
    left = seconds_left(unit.plan, unit.run, services)
    attempt = Attempt(number=unit.try_number, tries=planned.retries + 1, seconds_left=left)
    return decide(error, attempt, unit.plan.settings(source, planned).retry)
