"""What a run does when its source is down: ask the fallbacks in order, or leave the last good records and say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import FinportError, Skipped
from finport_ingestion.engine.events.event import Event, EventType
from finport_ingestion.engine.records import Replaces
from finport_ingestion.engine.state.served import Service
from finport_ingestion.engine.step import Phase
from finport_ingestion.engine.workflow.registry import action
from finport_ingestion.engine.workflow.standins import (
    Choice,
    candidates,
    choice,
    choose,
    may_stand_in,
    next_after,
)

if TYPE_CHECKING:
    from finport_ingestion.engine.records import StepResult
    from finport_ingestion.engine.workflow.perform import Unit
    from finport_ingestion.engine.workflow.plan import PlannedSource
    from finport_ingestion.engine.workflow.services import Services

Try = Callable[[], "StepResult"]
"""Does the unit's work with whoever serves by then."""
Kind = Callable[[], Replaces]
"""What a publication of whoever serves by then replaces."""


class ServedStale(Skipped):
    """Nothing answers, and the last good records are served."""


def may_switch(unit: Unit) -> bool:
    """Whether another source may be asked for this unit: as long as nothing is listed yet."""
    planned = unit.plan.step(unit.step)
    asking = action(planned.agent, planned.action).asks
    return unit.phase in asking and unit.flags.replay_of is None


def ask_others(unit: Unit, error: FinportError, services: Services, *, kind: Kind, work: Try) -> StepResult:
    """Let the fallbacks do the unit's work, in order.

    Raises:
        FinportError: `error`, where none of them can.
        Skipped: The one that stands in has nothing new.
    """
    primary = unit.plan.source(unit.source)
    if not primary.fallbacks:
        raise error
    before = choice(unit.run, primary, services)
    for other in candidates(primary, before):
        why_not = may_stand_in(primary, other)
        if why_not:
            services.state.record_decision(unit.key, f"{other.name} cannot stand in for {primary.name}: {why_not}")
            continue
        try:
            result = _from_other(unit, other, services, kind=kind, work=work)
        except Skipped:
            _tell_switch(unit, primary, other, error, services)
            raise
        except FinportError as another:
            # Also a login that is refused, or a connection that is missing: it does not help, and the next one may.
            services.state.record_decision(unit.key, f"fallback {other.name}: {another}")
            continue
        _tell_switch(unit, primary, other, error, services)
        return result
    choose(unit.run, primary, services, before)
    raise error


def _from_other(unit: Unit, other: PlannedSource, services: Services, *, kind: Kind, work: Try) -> StepResult:
    primary = unit.plan.source(unit.source)
    choose(unit.run, primary, services, _chosen(primary, other, services))
    if other.incremental is None and kind() is Replaces.SOURCE:
        choose(unit.run, primary, services, Choice(served_by=other.name, own_name=False))
    return work()


def _chosen(primary: PlannedSource, other: PlannedSource, services: Services) -> Choice:
    if other.incremental is not None:
        mark = services.state.watermark(primary.name, primary.dataset)
        return Choice(served_by=other.name, start=next_after(mark) or other.incremental.start)
    last = services.state.published_at(primary.name, primary.dataset)
    known = tuple(services.state.fingerprints(primary.name, primary.dataset))
    return Choice(served_by=other.name, known=known, after=last.isoformat() if last else None)


def leave_stale(unit: Unit, error: FinportError, services: Services) -> None:
    """Nothing answers: mark the records that are there as stale, and end as skipped where the policy allows that.

    Raises:
        Skipped: The last good records are served.
    """
    source = unit.plan.source(unit.source)
    published = _last_published(source, services)
    if published is None:
        return
    since = _mark_stale(unit, error, services, published)
    degraded = source.settings.degraded
    if degraded.serve_stale and services.clock.now() - published <= degraded.longest:
        raise ServedStale(
            f"{source.name} is stale since {since:%Y-%m-%d %H:%M} UTC: neither it nor a fallback answers; the records"
            f" of {published:%Y-%m-%d %H:%M} UTC are served. {error.message}"
        )


def break_off(unit: Unit, error: FinportError, services: Services) -> None:
    """No more of what is listed can be had: mark the records of former runs as stale. The run fails all the same.

    Another source cannot go on in the middle, since it lists other items; degraded mode cannot either, since part of
    the new records has landed and nobody knows what the rest would say. The next run asks the fallbacks where the
    circuit is open by then.
    """
    planned = unit.plan.step(unit.step)
    if not action(planned.agent, planned.action).asks or unit.flags.replay_of is not None:
        return
    published = _last_published(unit.plan.source(unit.source), services)
    if published is not None:
        _mark_stale(unit, error, services, published)


def _mark_stale(unit: Unit, error: FinportError, services: Services, published: datetime) -> datetime:
    """Since when the records are stale; told once in a run."""
    source = unit.plan.source(unit.source)
    apis, now = services.state.apis, services.clock.now()
    current = apis.service(source.name, source.dataset)
    since = current.stale_since if current and current.stale_since else now
    reason = type(error).__name__
    served_by = current.served_by if current else source.name
    service = Service(
        source=source.name, dataset=source.dataset, served_by=served_by, since=now, stale_since=since, reason=reason
    )
    facts = {"dataset": source.dataset, "stale_since": since.isoformat(), "published_at": published.isoformat()}
    event = Event.of_api(
        EventType.DATASET_STALE,
        source.name,
        at=now,
        facts={**facts, "reason": reason},
        run=unit.run,
        once_for=unit.run.run_id,
        relays=source.settings.events.relays,
    )
    apis.set_service(service, [event], unit.run)
    return since


def _last_published(source: PlannedSource, services: Services) -> datetime | None:
    moments = [
        services.state.published_at(name, source.dataset)
        for name in (source.name, *(other.name for other in source.fallbacks))
    ]
    return max((moment for moment in moments if moment is not None), default=None)


def is_fresh(unit: Unit, skipped: Skipped) -> bool:
    """Whether a skip says that the source was asked and has nothing newer than what is published."""
    return unit.phase in (Phase.SPLIT, Phase.SEAL) and not unit.flags.dry_run and not isinstance(skipped, ServedStale)


def settle_service(unit: Unit, services: Services, *, unchanged: bool = False) -> None:
    """Something is published: who served it now serves, and nothing is stale any more.

    Args:
        unchanged: There was nothing new to publish: who served before still does.
    """
    source = unit.plan.source(unit.source)
    apis, now = services.state.apis, services.clock.now()
    current = apis.service(source.name, source.dataset)
    chosen = choice(unit.run, source, services) if source.fallbacks else None
    serves = chosen.served_by if chosen else source.name
    if unchanged and current is not None and current.served_by != serves:
        return
    if current is None and serves == source.name:
        return
    if current is not None and current.served_by == serves and current.stale_since is None:
        return
    returned = current is not None and current.served_by != source.name and serves == source.name
    was_stale = current is not None and current.stale_since is not None
    events = []
    if returned or (was_stale and serves == source.name):
        facts = {"dataset": source.dataset, "served_by": serves, "instead_of": current.served_by if current else None}
        relays = source.settings.events.relays
        events = [
            Event.of_api(EventType.SOURCE_RETURNED, source.name, at=now, facts=facts, run=unit.run, relays=relays)
        ]
    service = Service(
        source=source.name, dataset=source.dataset, served_by=serves, since=now, stale_since=None, reason=None
    )
    apis.set_service(service, events, unit.run)


def _tell_switch(
    unit: Unit, primary: PlannedSource, other: PlannedSource, error: FinportError, services: Services
) -> None:
    apis, now = services.state.apis, services.clock.now()
    facts = {"dataset": primary.dataset, "served_by": other.name, "reason": type(error).__name__}
    event = Event.of_api(
        EventType.SOURCE_SWITCHED,
        primary.name,
        at=now,
        facts=facts,
        run=unit.run,
        once_for=f"{unit.run} {other.name}",
        relays=primary.settings.events.relays,
    )
    apis.announce([event], unit.run)
    services.state.record_decision(unit.key, f"{other.name} stands in for {primary.name} in this run: {error.message}")
