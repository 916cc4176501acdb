"""Whether a source answers, outside its runs: asked, timed, entered, and told when that changes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.events.event import Event, EventType
from finport_ingestion.engine.sources.opening import forecast, open_source
from finport_ingestion.engine.state.checks import Check
from finport_ingestion.engine.workflow.looking import looking_at

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.resilience.forecast import Forecast
    from finport_ingestion.engine.workflow.services import Services

CHECK_SECONDS = 60.0


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


def forecast_for(catalog: Catalog, source: str, services: Services) -> Forecast | None:
    """Whether the requests that are left of the day suffice for a run of the source; None without a quota."""
    if catalog.settings(source).settings.limits.quota.requests is None:
        return None
    services.state.check()
    with looking_at(catalog, source, services, seconds=CHECK_SECONDS) as context:
        return forecast(context)
