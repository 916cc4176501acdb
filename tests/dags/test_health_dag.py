"""The DAG that asks the sources on a schedule: drawn beside the workflows, and run by Airflow over real servers."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from finport_ingestion.engine.project import Project
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import write_project
from tests.dags.one_run import ROOT, run_dag
from tests.services.process import free_port
from tests.services.web import WebServers
from tests.services.web_replies import error_reply, json_reply

_POLICY = """
apiVersion: finport.io/v1
kind: Policy
metadata: {name: default}
spec: {description: For all., owner: tests, settings: {health: {interval: 5m}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_project(tmp_path / "project")
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_FINPORT_STATE", json.dumps({"conn_type": "sqlite", "host": f"{tmp_path}/state.db"})
    )
    monkeypatch.setenv("AIRFLOW__FINPORT__PLACES", str(tmp_path / "places"))
    Services.of(Project(folder)).state.upgrade()
    return folder


def _health_dag(project: Path) -> Any:
    from finport_ingestion.factory.health import load_health

    (dag,) = load_health(str(project / "dags" / "finport_workflows.py")).values()
    dag.fileloc = str(project / "dags" / "finport_workflows.py")
    return dag


def _add_api(project: Path, name: str, url: str, *, security: str) -> None:
    """Another source, at `/name` of the server at `url`; `security` is the rest of that block."""
    sources = project / "include" / "configs" / "sources"
    lines = (sources / "prices.yaml").read_text().replace("{name: prices}", f"{{name: {name}}}").splitlines()
    lines = [
        f"  source: {{protocol: http, url: '{url}', path: /{name}}}" if "source:" in line else line for line in lines
    ]
    lines = [line.replace("allowPrivateNetwork: true", f"allowPrivateNetwork: true, {security}") for line in lines]
    (sources / f"{name}.yaml").write_text("\n".join(lines) + "\n")


def _answers(project: Path) -> dict[str, bool]:
    return {health.source: health.last.healthy for health in Services.of(Project(project)).state.apis.health()}


def test_it_is_drawn_beside_the_workflows_paused_and_every_quarter_of_an_hour(project: Path) -> None:
    import runpy

    drawn = runpy.run_path(str(project / "dags" / "finport_workflows.py"))
    assert {"finport_health", "prices_workflow"} <= set(drawn)
    dag = drawn["finport_health"]
    assert dag.is_paused_upon_creation
    assert dag.timetable.delta == timedelta(minutes=15)
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert dag.get_task("check").is_mapped


def test_the_interval_of_the_settings_is_its_schedule(project: Path) -> None:
    (project / "include/configs/policies/default.yaml").write_text(_POLICY)
    assert _health_dag(project).timetable.delta == timedelta(minutes=5)


def test_wrong_documents_cost_it_nothing_but_their_sources(project: Path) -> None:
    (project / "include/configs/sources/broken.yaml").write_text("kind: {Source")
    (project / "include/configs/policies/default.yaml").write_text("kind: Policy\n")
    assert _health_dag(project).timetable.delta == timedelta(minutes=15)


def test_a_worker_that_needs_a_workflow_does_not_draw_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.definitions.context import AirflowParsingContext

    from finport_ingestion.factory import health

    asked = AirflowParsingContext(dag_id="prices_workflow", task_id="begin")
    monkeypatch.setattr(health, "get_parsing_context", lambda: asked)
    assert health.load_health(str(project / "dags" / "finport_workflows.py")) == {}


def test_a_round_asks_what_is_due_and_a_run_by_hand_asks_all(project: Path) -> None:
    from finport_ingestion.operators.api import HealthCheckOperator

    dag = _health_dag(project)
    due, check = dag.get_task("due"), HealthCheckOperator(task_id="one", source="prices", dag=dag)
    scheduled, by_hand = ({"dag_run": SimpleNamespace(run_type=name)} for name in ("scheduled", "manual"))
    assert due.execute(scheduled) == ["prices"]
    assert check.execute({})["detail"]
    assert due.execute(scheduled) == []
    assert due.execute(by_hand) == ["prices"]


def test_a_source_that_does_not_answer_fails_its_task_without_another_try(project: Path) -> None:
    from finport_ingestion.operators.api import HealthCheckOperator

    plain = "allowPlaintext: true, allowPlaintextReason: a test"
    _add_api(project, "gone", f"http://127.0.0.1:{free_port()}", security=plain)
    check = HealthCheckOperator(task_id="one", source="gone", dag=_health_dag(project))
    with pytest.raises(AirflowFailException, match="gone does not answer"):
        check.execute({})
    assert _answers(project) == {"gone": False}
    assert Services.of(Project(project)).state.claim_events("log", 10) == []


@pytest.mark.timeout(180)
def test_airflow_asks_each_source_in_a_task_of_its_own(project: Path, tmp_path: Path, web_servers: WebServers) -> None:
    with web_servers.serve() as server:
        server.add("/good", json_reply([]))
        server.add("/bad", error_reply(HTTPStatus.SERVICE_UNAVAILABLE))
        for name in ("good", "bad"):
            _add_api(project, name, server.url(), security=f"caFile: {server.ca_path}")
        run = run_dag(project / "dags" / "finport_workflows.py", "finport_health", home=tmp_path / "home")
    assert run.states == {
        ("due", None): "success",
        ("check", "bad"): "failed",
        ("check", "good"): "success",
        ("check", "prices"): "success",
    }, run.output
    assert _answers(project) == {"bad": False, "good": True, "prices": True}
    assert server.requests_to("/good")
