"""What happens to a run that ended half-way: its publication is completed in the ledger, or taken back.

The store's commit log is the truth. A source whose last step published is done, whatever the ledger says: it is rolled
forward. A source that published and then failed in a later step is taken back, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Phase, RunKey
from finport_ingestion.engine.workflow.perform import Unit, published, take_back
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.registry import action

if TYPE_CHECKING:
    from finport_ingestion.engine.state.sagas import Saga
    from finport_ingestion.engine.workflow.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was done about one open saga."""

    workflow: str
    source: str
    run_id: str
    status: str  # succeeded | failed
    note: str


Ended = Callable[[RunKey], bool]
"""Whether whoever drives runs knows that a run has ended."""


def never_ended(run: RunKey) -> bool:
    """Nobody knows more than the ledger."""
    return False


def recover(
    services: Services, *, workflow: str | None = None, source: str | None = None, ended: Ended = never_ended
) -> list[Recovered]:
    """Settle every open saga whose run is dead; the live ones are left alone. May be repeated."""
    now = services.clock.now()
    sagas = services.state.open_sagas(workflow=workflow, source=source)
    return [settle(saga, services) for saga in sagas if saga.is_dead(now) or ended(saga.run)]


def settle(saga: Saga, services: Services) -> Recovered:
    """Complete or take back what one dead run did for one source, and close its saga."""
    plan = _plan_of(saga, services)
    publication = published(plan, saga.run, saga.source, services)
    last = plan.steps[-1]
    if publication is not None and action(last.agent, last.action).publishes:
        unit = Unit(plan=plan, run=saga.run, source=saga.source, step=last.name, phase=Phase.RUN)
        services.state.finish_step(unit.key, StepResult(publication=publication), [])
        note = f"commit {publication.commit} was published before the process died; the ledger now says so"
        services.state.finish_source(saga.run, saga.source, saga.dataset, "succeeded", note)
        return _recovered(saga, "succeeded", note)
    note = take_back(plan, saga.run, saga.source, services, reason="the process died")
    return _recovered(saga, "failed", note)


def _plan_of(saga: Saga, services: Services) -> Plan:
    stored = services.state.pinned_plan(saga.run)
    if stored is None:
        raise PermanentError(
            f"{saga.source}: the plan of run {saga.run.run_id} is gone, so what it did cannot be settled.",
            hint="restore the state database from its backup",
        )
    return Plan.from_json(stored)


def _recovered(saga: Saga, status: str, note: str) -> Recovered:
    return Recovered(workflow=saga.run.workflow, source=saga.source, run_id=saga.run.run_id, status=status, note=note)
