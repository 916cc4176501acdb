"""The first and the last thing that a run does, whatever drives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.events.registry import RELAYS
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.workflow import announce
from finport_ingestion.engine.workflow.perform import take_back
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.recovery import Recovered, recover

if TYPE_CHECKING:
    from finport_ingestion.engine.workflow.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    status: str  # succeeded | failed | skipped
    sources: Mapping[str, str]  # status by source

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, status in self.sources.items() if status not in ("succeeded", "skipped"))


def begin(plan: Plan, run: RunKey, flags: Flags, services: Services, *, driver: str) -> list[Recovered]:
    """Pin the plan, open the run in the ledger, and settle what dead runs of the workflow left open."""
    state = services.state
    state.check()
    state.pin_plan(run, plan.to_json(), plan.digest)
    state.open_run(
        run,
        trigger="replay" if flags.replay_of else "run",
        flags=dataclasses.asdict(flags),
        driver=driver,
        started_at=services.clock.now(),
        events=[announce.workflow("started", run, {"sources": len(plan.sources), "plan": plan.digest}, services.clock)],
    )
    return recover(services, workflow=plan.workflow)


def pinned(plan: Plan, run: RunKey, services: Services) -> Plan:
    """The plan that the run began with, whatever the documents say by now."""
    stored = services.state.pinned_plan(run)
    return plan if stored == plan.to_json() else Plan.from_json(stored)


def finish(plan: Plan, run: RunKey, services: Services, *, sources: Sequence[str] = ()) -> Outcome:
    """Close the run: take back what dead steps had published, and send what is waiting in the outbox.

    Args:
        sources: Those that were to be worked on; all of the plan by default.
    """
    statuses = services.state.source_statuses(run)
    names = sources or [source.name for source in plan.sources]
    for name in names:
        if statuses.get(name) == "running":
            # Its process was killed: no other task of the run works on it any more.
            take_back(plan, run, name, services, reason="the process died, or its time was up")
    statuses = services.state.source_statuses(run)
    sources_ended = {name: statuses.get(name, "not started") for name in names}
    values = set(sources_ended.values())
    status = "skipped" if values <= {"skipped"} else "succeeded" if values <= {"succeeded", "skipped"} else "failed"
    outcome = Outcome(status=status, sources=sources_ended)
    name = "failed" if status == "failed" else "completed"
    services.state.close_run(
        run, status, events=[announce.workflow(name, run, {"status": status, "failed": outcome.failed}, services.clock)]
    )
    relay_all(plan, services)
    return outcome


def relay_all(plan: Plan, services: Services) -> int:
    """Send what is waiting to the relays of the workflow's policies; the number of events sent."""
    names = {name for source in plan.sources for name in source.settings.events.relays}
    unknown = names - set(RELAYS.names())
    if unknown:
        raise ConfigError(
            f"unknown event relay {', '.join(sorted(unknown))}.", hint=f"known: {', '.join(RELAYS.names())}"
        )
    relays = {name: RELAYS.get(name)(services.connections) for name in sorted(names)}
    return relay_pending(services.state, relays)
