"""SIGKILL of a task's processes, twice in one run: Airflow tries again, and every record is stored once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Quotes
from tests.e2e.project import QUOTES, SLOW
from tests.e2e.system import AirflowSystem, kill, wait_until

pytestmark = pytest.mark.timeout(300)


def kill_when_running(system: AirflowSystem, run_id: str, task: str, *, with_worker: bool) -> None:
    """Kill the process of a running task; with its worker, nobody is left to tell Airflow of it."""

    def found() -> Any:
        row = system.tasks(SLOW, run_id).get(task, {"state": None})
        return row["state"] == "running" and system.process_of(row)

    process = wait_until(found, what=f"the process of {task}")
    workers = process.parents()[:1] if with_worker else []
    for each in (*workers, process):
        kill(each)


def test_a_run_whose_tasks_are_killed_stores_every_record_once(airflow_system: AirflowSystem, quotes: Quotes) -> None:
    run_id = airflow_system.trigger(SLOW)
    wait_until(lambda: quotes.gets, what="the request for the slow file")
    kill_when_running(airflow_system, run_id, "quotes.collect[0]", with_worker=True)
    kill_when_running(airflow_system, run_id, "quotes.store", with_worker=False)

    assert airflow_system.wait_for_run(SLOW, run_id) == "success", airflow_system.describe(SLOW, run_id)
    tasks = airflow_system.tasks(SLOW, run_id)
    assert tasks["quotes.collect[0]"]["try_number"] == tasks["quotes.store"]["try_number"] == 2
    snapshot = airflow_system.snapshot("quotes")
    symbols = sorted(row["symbol"] for row in snapshot.to_table().to_pylist())
    assert symbols == [symbol for symbol, _, _ in QUOTES]
    assert snapshot.number == 1
    (outcome,) = airflow_system.state.run(run_id).sources
    assert outcome.status.value == "succeeded"
    assert {step.status.value for step in airflow_system.state.steps(run_id)} == {"succeeded"}
    assert airflow_system.state.open_sagas(workflow="e2e-slow") == []
