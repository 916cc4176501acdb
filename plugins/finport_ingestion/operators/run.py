"""The first and the last task of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow import lifecycle
from finport_ingestion.factory.params import flags_of, selected, window_of
from finport_ingestion.operators.errors import as_airflow
from finport_ingestion.operators.surroundings import driver_of_run, ended_in_airflow, run_key, services_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from finport_ingestion.engine.workflow.plan import Plan


class _RunOperator(BaseOperator):
    template_fields: Sequence[str] = ("plan_digest",)
    ui_color = "#ffffff"

    def __init__(self, *, workflow: str, plan_digest: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.workflow = workflow
        self.plan_digest = plan_digest


class BeginRunOperator(_RunOperator):
    """Pins the plan to the run, opens it in the ledger, and settles what dead runs left open."""

    def execute(self, context: Context) -> None:
        services = services_of(self)
        with as_airflow(context):
            plan = self._plan()
            flags = flags_of(context["params"], window_of(context))
            run = run_key(self.workflow, context)
            recovered_sagas = lifecycle.begin(
                plan, run, flags, services, driver=driver_of_run(), ended=ended_in_airflow(context)
            )
            for recovered in recovered_sagas:
                self.log.warning("%s of run %s: %s", recovered.source, recovered.run_id, recovered.note)

    def _plan(self) -> Plan:
        from finport_ingestion.factory.dags import catalog_of, plans_of

        catalog = catalog_of(Project.around(Path(self.dag.fileloc).parent))
        for plan in plans_of(catalog, self.workflow.partition("--")[0]):
            if plan.workflow == self.workflow:
                return plan
        raise ConfigError(
            f"the documents of workflow {self.workflow} are gone.", hint="put them back, or delete the DAG"
        )


class FinishRunOperator(_RunOperator):
    """Closes the run in the ledger and sends waiting events; fails when a source failed."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**{"trigger_rule": "all_done", **arguments})

    def execute(self, context: Context) -> dict[str, str]:
        """The status of each source."""
        services = services_of(self)
        with as_airflow(context):
            run = run_key(self.workflow, context)
            plan = lifecycle.pinned_plan(run, services)
            names = [source.name for source in plan.sources if selected(context["params"], source.name)]
            outcome = lifecycle.finish(plan, run, services, sources=names)
        for name, status in outcome.sources.items():
            self.log.info("%s: %s", name, status)
        if outcome.failed:
            raise AirflowFailException(f"failed: {', '.join(outcome.failed)}; 'finport show {run.run_id}' says why")
        return dict(outcome.sources)
