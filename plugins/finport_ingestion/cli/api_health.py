"""What `finport health` tells, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finport_ingestion.cli import screen, surroundings
from finport_ingestion.cli.screen import Row, column

if TYPE_CHECKING:
    from finport_ingestion.engine.config.catalog import Catalog
    from finport_ingestion.engine.workflow.services import Services

_HEALTH = (
    column("source"),
    column("health"),
    column("available", right=True),
    column("median_seconds", "median s", right=True),
    column("checks", right=True),
    column("at", "last check (UTC)"),
    column("detail", "what it says"),
)
_HISTORY = (
    column("at", "at (UTC)"),
    column("health"),
    column("seconds", right=True, spell=screen.spell_seconds),
    column("error"),
    column("detail", "what it says"),
)
_CIRCUITS = (column("key", "credential"), column("status"), column("since", "since (UTC)"), column("reason"))
_QUOTAS = (
    column("source"),
    column("quota", right=True),
    column("used", right=True),
    column("needed", "a run needs", right=True),
    column("told"),
)
_SERVICES = (
    column("source"),
    column("dataset"),
    column("served_by", "served by"),
    column("since", "since (UTC)"),
    column("stale_since", "stale since (UTC)"),
    column("reason"),
)
_LOWERED = (
    column("source"),
    column("measure", "protection"),
    column("runs", right=True),
    column("last_at", "last (UTC)"),
    column("reason"),
)

Table = tuple[str, list[Row], tuple[Any, ...], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiHealth:
    """Rows of each kind, ready to be printed."""

    checks: list[Row]
    source: str | None = None  # whose history `checks` is
    circuits: list[Row] = field(default_factory=list)
    quotas: list[Row] = field(default_factory=list)
    services: list[Row] = field(default_factory=list)
    lowered: list[Row] = field(default_factory=list)

    @property
    def tables(self) -> Iterator[Table]:
        """Title, rows, columns, and what to say where there are none."""
        if self.source is not None:
            yield f"Checks of {self.source}", self.checks, _HISTORY, "it was never checked; 'finport health --check'"
            return
        yield "Checks", self.checks, _HEALTH, "nothing was checked yet; 'finport health --check' asks every source"
        yield "Circuits that are not closed", self.circuits, _CIRCUITS, None
        yield "Quotas of today", self.quotas, _QUOTAS, None
        yield "Served by another, or stale", self.services, _SERVICES, None
        yield "Lowered protections", self.lowered, _LOWERED, None

    def as_document(self) -> dict[str, Any]:
        """The same for programs."""
        if self.source is not None:
            return {"source": self.source, "checks": self.checks}
        names = ("checks", "circuits", "quotas", "services", "lowered")
        return {name: getattr(self, name) for name in names}


def asked(source: str | None) -> list[str]:
    """Check one source, or every one that a workflow works on; the names of those that do not answer."""
    from finport_ingestion.engine.workflow.health import check_health

    services = surroundings.services()
    documents = surroundings.catalog(services.project)
    names = [source] if source else _at_work(documents)
    return [name for name in names if not check_health(documents, name, services)[0].healthy]


def history(source: str, *, limit: int) -> ApiHealth:
    """The checks of one source, newest first."""
    rows: list[Row] = [
        {
            "at": check.at,
            "health": "ok" if check.healthy else "fail",
            "seconds": check.seconds,
            "error": check.error_kind,
            "detail": check.detail,
        }
        for check in surroundings.state().apis.checks(source, limit=limit)
    ]
    return ApiHealth(source=source, checks=rows)


def told(*, limit: int) -> ApiHealth:
    """Everything that is known of all sources."""
    services = surroundings.services()
    apis = services.state.apis
    return ApiHealth(
        checks=_checks(services, limit=limit),
        circuits=list(apis.circuits()),
        quotas=list(_quotas(surroundings.catalog(services.project), services)),
        services=[
            {
                name: getattr(service, name)
                for name in ("source", "dataset", "served_by", "since", "stale_since", "reason")
            }
            for service in apis.services()
        ],
        lowered=[
            {name: getattr(one, name) for name in ("source", "measure", "runs", "last_at", "reason")}
            for one in apis.lowered()
        ],
    )


def _checks(services: Services, *, limit: int) -> list[Row]:
    return [
        {
            "source": health.source,
            "health": "ok" if health.last.healthy else "fail",
            "available": f"{health.available:.1%}",
            "median_seconds": round(health.median_seconds, 3),
            "checks": health.checks,
            "at": health.last.at,
            "detail": health.last.detail,
        }
        for health in services.state.apis.health(limit=limit)
    ]


def _quotas(documents: Catalog, services: Services) -> Iterator[Row]:
    from finport_ingestion.engine.errors import MissingConnection
    from finport_ingestion.engine.workflow.health import forecast_for

    for name in _at_work(documents):
        try:
            forecast = forecast_for(documents, name, services)
        except MissingConnection as error:
            yield {"source": name, "quota": None, "used": None, "needed": None, "told": error.message}
            continue
        if forecast is not None:
            yield {
                "source": name,
                "quota": forecast.quota,
                "used": forecast.used,
                "needed": forecast.needed,
                "told": str(forecast),
            }


def _at_work(documents: Catalog) -> list[str]:
    """The sources that a usable workflow works on, by name."""
    names = {name for workflow in documents.usable_workflows for name in surroundings.selected_by(documents, workflow)}
    return sorted(names)
