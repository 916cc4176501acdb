"""What a task finds around it: the project of its DAG file, Airflow's connections, its run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.workflow.services import Services
from finport_ingestion.factory.placement import configured_places
from finport_ingestion.hooks.connections import AirflowConnections

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


def services_of(task: BaseOperator) -> Services:
    """The engine's services for a task: its project is the one around its DAG file."""
    project = Project.around(Path(task.dag.fileloc).parent)
    return Services.of(project, AirflowConnections(), places=configured_places())


def driver_of_run() -> str:
    """`dag-test` where one process does the whole run, whose end is then the run's; `airflow` otherwise."""
    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    return "dag-test" if isinstance(comms, InProcessSupervisorComms) else "airflow"


def ended_in_airflow(context: Context) -> Callable[[RunKey], bool]:
    """Tells whether Airflow has given up or finished a run; such a run works on nothing any more."""
    dag_id, ti = context["ti"].dag_id, context["ti"]

    def ended(run: RunKey) -> bool:
        try:
            return ti.get_dagrun_state(dag_id, run.run_id) in ("success", "failed")
        except AirflowRuntimeError:
            return False  # Airflow does not know the run: `finport ingest` made it

    return ended


def run_key(workflow: str, context: Context) -> RunKey:
    """The run of a task. The logical date may be None (assets, REST): only `run_after` always stands."""
    dag_run = context["dag_run"]
    return RunKey(workflow=workflow, run_id=dag_run.run_id, run_after=dag_run.run_after)
