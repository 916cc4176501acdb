"""Tasks around one API, for DAGs that authors write themselves: a forecast of its quota, and a whole ingestion."""

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
from finport_ingestion.engine.workflow.health import forecast_for
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


def _catalog(task: BaseOperator) -> Catalog:
    return catalog_of(Project.around(Path(task.dag.fileloc).parent))
