"""One run through Airflow and one through the command line's driver write the same files, byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.step import RunKey
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.crash.small_project import WORKFLOW, write_project

ROOT = Path(__file__).parents[2]

_THROUGH_AIRFLOW = """
import json, sys
from pathlib import Path
from demo.one_process import load_dag, prepare_database
project = Path(sys.argv[1])
prepare_database()
dag = load_dag(project / "dags" / "finport_workflows.py", "prices_workflow")
run = dag.test()
print("RUN " + json.dumps({"run_id": run.run_id, "run_after": run.run_after.isoformat(), "state": str(run.state)}))
"""


def _environment(home: Path, project: Path, places: Path, state: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__FINPORT__PLACES": str(places),
        "AIRFLOW_CONN_FINPORT_STATE": json.dumps({"conn_type": "sqlite", "host": str(state)}),
    }


def _written(places: Path) -> dict[str, str]:
    """Digest by path of everything below the places."""
    files = (path for path in places.rglob("*") if path.is_file())
    return {str(path.relative_to(places)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.timeout(180)
def test_both_drivers_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = write_project(tmp_path / "project")
    shutil.copytree(ROOT / "dags", project / "dags")
    by_airflow, by_command = tmp_path / "airflow-places", tmp_path / "command-places"

    environment = _environment(tmp_path / "home", project, by_airflow, tmp_path / "airflow-state.db")
    monkeypatch.setenv("AIRFLOW_CONN_FINPORT_STATE", environment["AIRFLOW_CONN_FINPORT_STATE"])
    Services.of(Project(project)).state.upgrade()
    done = subprocess.run(
        [sys.executable, "-c", _THROUGH_AIRFLOW, str(project)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [line for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert answers, done.stdout[-3000:] + done.stderr[-3000:]
    run = json.loads(answers[0].removeprefix("RUN "))
    assert run["state"] == "success", done.stdout[-5000:]

    command = _environment(tmp_path / "home", project, by_command, tmp_path / "command-state.db")
    for name in ("AIRFLOW__FINPORT__PLACES", "AIRFLOW_CONN_FINPORT_STATE"):
        monkeypatch.setenv(name, command[name])
    services = Services.of(Project(project))
    services.state.upgrade()
    key = RunKey(workflow=WORKFLOW, run_id=run["run_id"], run_after=datetime.fromisoformat(run["run_after"]))
    plan = compile_plan(load_catalog(project, known_actions=known_actions()), WORKFLOW)
    outcome = Ingest(plan=plan, run=key, services=services)()
    assert outcome.status == "succeeded"

    assert _written(by_command) == _written(by_airflow)
    assert any(path.endswith("store/manifest.json") or "_snapshots" in path for path in _written(by_command))
