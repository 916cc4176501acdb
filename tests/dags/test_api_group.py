"""The API manager for authors of plain DAGs: the group, its sensor and its forecast, run by Airflow itself."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import write_project
from tests.dags.one_run import run_dag

_DAG = """\
from datetime import timedelta

from airflow.sdk import DAG

from finport_ingestion.task_groups.api import ApiTaskGroup

with DAG("prices_by_hand", schedule=None) as dag:
    ApiTaskGroup("prices", source="prices", workflow="prices-workflow", poke_interval=timedelta(seconds=1))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_project(tmp_path / "project")
    (folder / "dags").mkdir()
    (folder / "dags" / "prices_by_hand.py").write_text(_DAG)
    state = json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "state.db")})
    monkeypatch.setenv("AIRFLOW_CONN_FINPORT_STATE", state)
    monkeypatch.setenv("AIRFLOW__FINPORT__PLACES", str(tmp_path / "places"))
    Services.of(Project(folder)).state.upgrade()
    return folder


def group(project: Path, **arguments: Any) -> Any:
    from airflow.sdk import DAG

    from finport_ingestion.task_groups.api import ApiTaskGroup

    with DAG("prices_by_hand", schedule=None) as dag:
        ApiTaskGroup("prices", source="prices", workflow="prices-workflow", **arguments)
    dag.fileloc = str(project / "dags" / "prices_by_hand.py")
    return dag


def test_the_group_waits_forecasts_and_ingests_in_this_order(project: Path) -> None:
    dag = group(project, wait=timedelta(minutes=3))
    assert set(dag.task_ids) == {"prices.healthy", "prices.forecast", "prices.ingest"}
    assert dag.get_task("prices.healthy").downstream_task_ids == {"prices.forecast"}
    assert dag.get_task("prices.forecast").downstream_task_ids == {"prices.ingest"}
    assert dag.get_task("prices.forecast").trigger_rule == "all_done"


def test_the_sensor_gives_its_slot_back_between_two_questions(project: Path) -> None:
    sensor = group(project, wait=timedelta(minutes=3)).get_task("prices.healthy")
    assert (sensor.mode, sensor.poke_interval, sensor.timeout, sensor.soft_fail) == ("reschedule", 60, 180, True)


def test_a_source_that_answers_ends_the_wait_and_enters_the_history(project: Path) -> None:
    answer = group(project).get_task("prices.healthy").poke({})
    assert answer.is_done
    assert answer.xcom_value["healthy"]
    (check,) = Services.of(Project(project)).state.apis.checks("prices")
    assert (check.source, check.healthy, check.error_kind) == ("prices", True, None)


def test_what_no_waiting_can_mend_fails_at_once_and_enters_the_history(project: Path) -> None:
    shutil.rmtree(project / "drop")
    (project / "drop").write_text("no folder")
    with pytest.raises(AirflowFailException, match="is no folder"):
        group(project).get_task("prices.healthy").poke({})
    (check,) = Services.of(Project(project)).state.apis.checks("prices")
    assert (check.healthy, check.error_kind) == (False, "ConfigError")


def test_without_a_quota_the_forecast_says_so(project: Path) -> None:
    told = group(project).get_task("prices.forecast").execute({})
    assert told == {"told": "prices has no daily quota"}


@pytest.mark.timeout(180)
def test_airflow_runs_the_group_to_its_end(project: Path, tmp_path: Path) -> None:
    run = run_dag(project / "dags" / "prices_by_hand.py", "prices_by_hand", home=tmp_path / "home")
    assert set(run.states.values()) == {"success"}, run.output
    state = Services.of(Project(project)).state
    assert [source.status for source in state.run(run.run_id).sources] == ["succeeded"]
