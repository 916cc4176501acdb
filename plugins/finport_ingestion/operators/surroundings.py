"""What a task finds around it: the project of its DAG file, Airflow's connections, its run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.workflow.services import Services
from finport_ingestion.hooks.connections import AirflowConnections

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


def services_of(task: BaseOperator) -> Services:
    """The engine's services for a task: its project is the one around its DAG file."""
    return Services.of(Project.around(Path(task.dag.fileloc).parent), AirflowConnections())


def run_key(workflow: str, context: Context) -> RunKey:
    """The run of a task. The logical date may be None (assets, REST): only `run_after` always stands."""
    dag_run = context["dag_run"]
    return RunKey(workflow=workflow, run_id=dag_run.run_id, run_after=dag_run.run_after)
