"""Whether a source answers, outside its runs: asked, timed, entered, and told when that changes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from finport_ingestion.engine.config.models.settings import HealthSettings
from finport_ingestion.engine.errors import ConfigError, FinportError
from finport_ingestion.engine.events.event import Event, EventType
from finport_ingestion.engine.events.registry import open_relays
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.sources.opening import forecast, open_source
from finport_ingestion.engine.state.checks import Check
from finport_ingestion.engine.workflow.looking import looking_at

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.config.models.settings import Settings
    from finport_ingestion.engine.resilience.forecast import Forecast
    from finport_ingestion.engine.workflow.services import Services

CHECK_SECONDS = 60.0
_QUOTA_SHARE = 0.05
_DAY = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


def check_health(
    catalog: Catalog, source: str, services: Services, *, seconds: float = CHECK_SECONDS
) -> tuple[Check, FinportError | None]:
    """Ask the source whether it answers, and enter what it says.

    Raises:
        ConfigError: There is no such source.
    """
    relays = catalog.settings(source).settings.events.relays
    error: FinportError | None = None
    at, began = services.clock.now(), time.monotonic()
    try:
        with looking_at(catalog, source, services, seconds=seconds) as context:
            detail = open_source(context).check()
    except FinportError as trouble:
        error, detail = trouble, trouble.message
    check = Check(
        source=source,
        at=at,
        healthy=error is None,
        seconds=time.monotonic() - began,
        detail=detail,
        error_kind=type(error).__name__ if error else None,
    )

    def events(was: bool | None) -> Sequence[Event]:
        if was is check.healthy or (was is None and check.healthy):
            return []
        event_type = EventType.SOURCE_HEALTHY if check.healthy else EventType.SOURCE_UNHEALTHY
        facts = {"error": check.error_kind, "seconds": round(check.seconds, 3)}
        return [Event.of_api(event_type, source, at=at, facts=facts, relays=relays)]

    services.state.apis.record_check(check, events)
    return check, error


def send_waiting(catalog: Catalog, source: str, services: Services) -> Mapping[str, str]:
    """Send what waits for the relays of a source, so that a change is told now and not after the next run.

    Returns:
        Why a relay could not, by relay: its events wait on.
    """
    names = catalog.settings(source).settings.events.relays
    try:
        relays = open_relays(names, services.connections)
    except ConfigError as error:
        return {", ".join(names): str(error)}
    return relay_pending(services.state, relays).failed


def forecast_for(catalog: Catalog, source: str, services: Services) -> Forecast | None:
    """Whether the requests that are left of the day suffice for a run of the source; None without a quota."""
    if catalog.settings(source).settings.limits.quota.requests is None:
        return None
    services.state.check()
    with looking_at(catalog, source, services, seconds=CHECK_SECONDS) as context:
        return forecast(context)


def check_intervals(catalog: Catalog) -> dict[str, timedelta]:
    """How often each source is to be asked on a schedule, by name.

    It names the sources that are on, and the fallbacks of those that a workflow works on. Not those whose documents are
    wrong: that is told where documents are.
    """
    found: dict[str, timedelta] = {}
    for name in sorted({*_on(catalog), *_fallbacks(catalog)}):
        document = catalog.find("Source", name)
        if document is not None and document not in catalog.wrong and catalog.has_layers(document):
            try:
                found[name] = _interval(catalog.settings(name).settings)
            except ConfigError:
                continue  # its layers do not go together, so no workflow can use it either
    return found


def round_interval(catalog: Catalog) -> timedelta:
    """Time between two rounds of checks: the least that a source asks for."""
    return min(check_intervals(catalog).values(), default=HealthSettings().interval)


def due_sources(catalog: Catalog, services: Services) -> list[str]:
    """The sources that this round is to ask, the longest unasked first. Checks by hand and of other DAGs count."""
    intervals = check_intervals(catalog)
    asked_at = {health.source: health.last.at for health in services.state.apis.health(limit=1)}
    now = services.clock.now()
    # A check comes some time after its round began. With half a round of slack it is due in the round that is nearest.
    slack = min(intervals.values(), default=timedelta()) / 2
    due = [name for name, interval in intervals.items() if asked_at.get(name, _NEVER) <= now - interval + slack]
    return sorted(due, key=lambda name: (asked_at.get(name, _NEVER), name))


def _interval(settings: Settings) -> timedelta:
    requests = settings.limits.quota.requests
    asked_for = settings.health.interval
    return asked_for if requests is None else max(asked_for, _DAY / (requests * _QUOTA_SHARE))


def _on(catalog: Catalog) -> Iterator[str]:
    for document in catalog.documents_of("Source"):
        if document.name is not None and document.spec.get("enabled") is not False:
            yield document.name


def _fallbacks(catalog: Catalog) -> Iterator[str]:
    for workflow in catalog.usable_workflows:
        for source in catalog.sources_of(workflow):
            yield from source.spec.fallbacks
