"""Tasks around APIs, for DAGs of the factory and of authors: forecasts of quotas, health checks, a whole ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.health import (
    CHECK_SECONDS,
    check_health,
    check_intervals,
    due_sources,
    forecast_for,
    send_waiting,
)
from finport_ingestion.factory.dags import catalog_of
from finport_ingestion.operators.errors import as_airflow
from finport_ingestion.operators.surroundings import run_key, services_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from finport_ingestion.engine.config.catalog import Catalog


class QuotaForecastOperator(BaseOperator):
    """Says whether the requests that are left of the day suffice for a run of a source.

    Args:
        source: Name of the Source document.
        skip_when_short: Skip what comes after it when they do not suffice; otherwise it only warns.
    """

    template_fields: Sequence[str] = ("source",)
    ui_color = "#fff2cc"

    def __init__(self, *, source: str, skip_when_short: bool = True, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.source = source
        self.skip_when_short = skip_when_short

    def execute(self, context: Context) -> dict[str, Any]:
        """The figures.

        Raises:
            AirflowSkipException: They do not suffice.
        """
        with as_airflow(context):
            forecast = forecast_for(_catalog(self), self.source, services_of(self))
            if forecast is None:
                return {"told": f"{self.source} has no daily quota"}
            self.log.info("%s: %s", self.source, forecast)
            if forecast.suffices is False and self.skip_when_short:
                raise Skipped(f"{self.source}: {forecast}")
        return {"quota": forecast.quota, "used": forecast.used, "needed": forecast.needed, "told": str(forecast)}


class IngestOperator(BaseOperator):
    """Does the steps of a workflow for some of its sources, in this one task.

    Args:
        workflow: Name of the Workflow document.
        sources: Names of its sources; all by default.
    """

    template_fields: Sequence[str] = ("workflow", "sources")
    ui_color = "#d9e1f2"

    def __init__(self, *, workflow: str, sources: Sequence[str] = (), **arguments: Any) -> None:
        super().__init__(**arguments)
        self.workflow = workflow
        self.sources = sources

    def execute(self, context: Context) -> dict[str, str]:
        """The status of each source.

        Raises:
            AirflowFailException: One of them has failed.
        """
        with as_airflow(context):
            plan = compile_plan(_catalog(self), self.workflow)
            run = run_key(self.workflow, context)
            outcome = Ingest(plan=plan, run=run, services=services_of(self), sources=tuple(self.sources))()
        if outcome.failed:
            raise AirflowFailException(f"failed: {', '.join(outcome.failed)}; 'finport show {run.run_id}' says why")
        return dict(outcome.sources)


class DueSourcesOperator(BaseOperator):
    """Gives the names of the sources that are to be asked now whether they answer, for tasks that are mapped over them.

    A source is due when its `health.interval` is over; in a run that a person starts, all are.
    """

    ui_color = "#e2efda"

    def execute(self, context: Context) -> list[str]:
        """The names, the longest unasked first."""
        with as_airflow(context):
            catalog = _catalog(self)
            if context["dag_run"].run_type == "manual":
                return list(check_intervals(catalog))
            return due_sources(catalog, services_of(self))


class HealthCheckOperator(BaseOperator):
    """Asks a source once whether it answers, keeps what it says (`finport health`), and sends the events that wait.

    It fails when the source does not answer, and is not retried then: the next round asks again.

    Args:
        source: Name of the Source document.
        check_seconds: How long the question may take.
    """

    template_fields: Sequence[str] = ("source",)
    ui_color = "#e2efda"

    def __init__(self, *, source: str, check_seconds: float = CHECK_SECONDS, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.source = source
        self.check_seconds = check_seconds

    def execute(self, context: Context) -> dict[str, Any]:
        """How long the answer took, in seconds, and what it says.

        Raises:
            AirflowFailException: It does not answer; the message says why.
        """
        with as_airflow(context):
            catalog, services = _catalog(self), services_of(self)
            check, error = check_health(catalog, self.source, services, seconds=self.check_seconds)
            for relay, reason in send_waiting(catalog, self.source, services).items():
                self.log.warning("events for relay %s wait: %s", relay, reason)
        if error is not None:
            raise AirflowFailException(f"{self.source} does not answer: {error}") from error
        return {"seconds": round(check.seconds, 3), "detail": check.detail}


def _catalog(task: BaseOperator) -> Catalog:
    return catalog_of(Project.around(Path(task.dag.fileloc).parent))
