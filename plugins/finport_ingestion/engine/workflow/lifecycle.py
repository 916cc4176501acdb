"""The first and the last thing that a run does, whatever drives it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.events.event import EventType, Facts
from finport_ingestion.engine.events.registry import open_relays
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.state.keys import Status
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.workflow import announce
from finport_ingestion.engine.workflow.perform import take_back
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.recovery import Ended, Recovered, never_ended, recover

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.services import Services

log = logging.getLogger(__name__)

NOT_STARTED = "not started"
_GOOD = frozenset({Status.SUCCEEDED.value, Status.SKIPPED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: Status
    sources: Mapping[str, str]  # status by source

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, status in self.sources.items() if status not in _GOOD)


def begin(
    plan: Plan, run: RunKey, flags: Flags, services: Services, *, driver: str, ended: Ended = never_ended
) -> list[Recovered]:
    """Pin the plan, open the run in the ledger, and settle what dead runs of the workflow left open.

    Args:
        driver: `airflow`, or `cli` and `dag-test` where one process does the whole run.
        ended: What the driver knows of other runs.
    """
    state = services.state
    state.check()
    state.pin_plan(run, plan.to_json(), plan.digest)
    facts: Facts = {"sources": len(plan.sources), "plan": plan.digest}
    state.open_run(
        run,
        trigger="replay" if flags.replay_of else "run",
        flags=dataclasses.asdict(flags),
        driver=driver,
        started_at=services.clock.now(),
        events=[announce.workflow(EventType.WORKFLOW_STARTED, plan, run, facts, services.clock)],
    )
    return recover(services, workflow=plan.workflow, ended=ended)


def pinned_plan(run: RunKey, services: Services) -> Plan:
    """The plan that the run began with, whatever the documents say by now.

    Raises:
        PermanentError: The run was never begun, or the state was emptied since.
    """
    stored = services.state.pinned_plan(run)
    if stored is None:
        raise PermanentError(f"{run.workflow}: run {run.run_id} has no plan.", hint="start the run from its first task")
    return Plan.from_json(stored)


def finish(plan: Plan, run: RunKey, services: Services, *, sources: Sequence[str]) -> Outcome:
    """Close the run: take back what dead steps had published, and send what is waiting in the outbox.

    Args:
        sources: Those that were to be worked on.
    """
    for name, status in _statuses(run, services).items():
        if status not in _GOOD | {Status.FAILED.value}:
            # Nothing of this run works on it any more: its process was killed.
            take_back(plan, run, name, services, reason="the process died, or its time was up")
    statuses = _statuses(run, services)
    ended = {name: statuses.get(name, NOT_STARTED) for name in sources}
    outcome = Outcome(status=_status(ended), sources=ended)
    event_type = EventType.WORKFLOW_FAILED if outcome.failed else EventType.WORKFLOW_COMPLETED
    facts = {"status": outcome.status.value, "failed": ", ".join(outcome.failed) or None}
    services.state.close_run(
        run, outcome.status, events=[announce.workflow(event_type, plan, run, facts, services.clock)]
    )
    send_events(plan, services)
    return outcome


def send_events(plan: Plan, services: Services) -> None:
    """Send what is waiting; a relay that is down costs a warning, since the events stay in the outbox."""
    relays = open_relays(announce.relays_of(plan), services.connections)
    for name, error in relay_pending(services.state, relays).failed.items():
        log.warning("events for relay %s wait: %s", name, error)


def _status(ended: Mapping[str, str]) -> Status:
    values = set(ended.values())
    if values <= {Status.SKIPPED.value}:
        return Status.SKIPPED
    return Status.SUCCEEDED if values <= _GOOD else Status.FAILED


def _statuses(run: RunKey, services: Services) -> dict[str, str]:
    row = services.state.run(str(run))
    return {outcome.source: outcome.status.value for outcome in row.sources}
