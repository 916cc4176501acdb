"""The DAG that asks the sources on a schedule whether they answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, DeltaTriggerTimetable, get_parsing_context

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.health import CHECK_SECONDS, round_interval
from finport_ingestion.factory.dags import catalog_of
from finport_ingestion.factory.draw import EPOCH
from finport_ingestion.operators.api import DueSourcesOperator, HealthCheckOperator

HEALTH_DAG = "finport_health"
_AT_A_TIME = 8  # so that a round leaves slots to the workflows
_DOC = """\
Asks every source that is on, and the fallbacks of those at work, whether it answers: one mapped task each, called by
the source's name. A task that fails is a source that does not answer; it fails no other. `finport health` tells the
history.

How often is `health.interval` of the settings. A run that is started by hand asks all of them.
"""


def load_health(dag_file: str) -> dict[str, DAG]:
    """The DAG by its id; nothing where Airflow needs another one. This never raises for a document."""
    if get_parsing_context().dag_id not in (None, HEALTH_DAG):
        return {}
    return {HEALTH_DAG: draw_health(round_interval(catalog_of(Project.around(Path(dag_file).parent))))}


def draw_health(interval: timedelta) -> DAG:
    """`due`, and `check` mapped over what it gives. Paused when it is new, as the DAGs of documents are."""
    with DAG(
        dag_id=HEALTH_DAG,
        description="Whether the sources answer.",
        schedule=DeltaTriggerTimetable(interval),
        start_date=EPOCH,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=1),
        is_paused_upon_creation=True,
        tags={"finport", "health"},
        doc_md=_DOC,
        default_args={"owner": "finport", "retries": 2, "retry_delay": timedelta(seconds=10)},
    ) as dag:
        due = DueSourcesOperator(task_id="due")
        HealthCheckOperator.partial(
            task_id="check",
            map_index_template="{{ task.source }}",
            max_active_tis_per_dagrun=_AT_A_TIME,
            execution_timeout=timedelta(seconds=2 * CHECK_SECONDS),
        ).expand(source=due.output)
    return dag
