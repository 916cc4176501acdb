"""Runs of a workflow with a good source and one that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.project import AFTER_PRICES, EVERY_MINUTE, HEALTH, MIXED, PRICES, SMALL
from tests.e2e.system import AirflowSystem, wait_until

pytestmark = pytest.mark.timeout(300)

GOOD = [
    f"prices.{task}" for task in ("validate", "connect", "discover", "land", "infer", "reconcile", "quality", "store")
]


@pytest.fixture(scope="module")
def mixed_run(airflow_system: AirflowSystem) -> str:
    """The first run, of both sources, when it is over."""
    run_id = airflow_system.trigger(MIXED)
    airflow_system.wait_for_run(MIXED, run_id)
    return run_id


def stored_rows(system: AirflowSystem) -> list[tuple[str, str, str]]:
    rows = system.snapshot("prices").to_table().to_pylist()
    return sorted((row["symbol"], str(row["date"]), str(row["price"])) for row in rows)


def as_stored(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return sorted((symbol, day, f"{float(price):.4f}") for symbol, day, price in rows)


def test_a_good_source_is_stored_beside_one_that_fails(mixed_run: str, airflow_system: AirflowSystem) -> None:
    states = airflow_system.states(MIXED, mixed_run)
    assert {states[task] for task in GOOD} == {"success"}, airflow_system.describe(MIXED, mixed_run)
    assert stored_rows(airflow_system) == as_stored(PRICES)
    assert airflow_system.run(MIXED, mixed_run)["state"] == "failed"
    assert states["finish"] == "failed"
    outcome = {source.source: source.status.value for source in airflow_system.state.run(mixed_run).sources}
    assert outcome == {"prices": "succeeded", "lost": "failed", "unknown": "failed"}


@pytest.mark.parametrize(
    ("source", "tries", "told", "remedy"),
    [
        ("lost", 3, "lost: there is no folder {project}/inbox/missing.", "check the path, and whether its volume"),
        ("unknown", 1, "no connection 'e2e_absent'.", "set AIRFLOW_CONN_E2E_ABSENT"),
    ],
)
def test_a_failing_task_names_the_remedy_and_is_retried_only_where_that_can_help(
    source: str, tries: int, told: str, remedy: str, mixed_run: str, airflow_system: AirflowSystem
) -> None:
    task = airflow_system.tasks(MIXED, mixed_run)[f"{source}.validate"]
    assert (task["state"], task["try_number"]) == ("failed", tries)
    log = airflow_system.log(MIXED, mixed_run, f"{source}.validate", try_number=tries)
    assert told.format(project=airflow_system.project) in log
    assert remedy in log
    states = airflow_system.states(MIXED, mixed_run)
    assert {state for name, state in states.items() if name.startswith(f"{source}.")} == {"failed", "upstream_failed"}


def test_a_publication_is_one_asset_event_and_starts_the_dag_that_waits_for_it(
    mixed_run: str, airflow_system: AirflowSystem
) -> None:
    events = airflow_system.api.get("/assets/events", source_dag_id=MIXED)["asset_events"]
    assert [(event["uri"], event["source_task_id"]) for event in events] == [
        ("finport://dataset/prices", "prices.store")
    ]
    (run,) = wait_until(lambda: airflow_system.runs(AFTER_PRICES), what="the run after the asset event")
    assert run["run_type"] == "asset_triggered"
    assert airflow_system.wait_for_run(AFTER_PRICES, run["dag_run_id"]) == "success"


def test_an_unchanged_source_is_skipped_and_says_why(mixed_run: str, airflow_system: AirflowSystem) -> None:
    run_id = airflow_system.trigger(MIXED, sources=["prices"])
    assert airflow_system.wait_for_run(MIXED, run_id) == "success", airflow_system.describe(MIXED, run_id)
    states = airflow_system.states(MIXED, run_id)
    assert states["prices.store"] == states["lost.validate"] == "skipped"
    (skipped,) = {"prices.connect", "prices.discover", "prices.collect"} & _with_reason(airflow_system, run_id, states)
    assert "unchanged" in airflow_system.xcom(MIXED, run_id, skipped, "skipped_because")
    assert "not chosen" in airflow_system.xcom(MIXED, run_id, "lost.validate", "skipped_because")
    assert stored_rows(airflow_system) == as_stored(PRICES)


def _with_reason(system: AirflowSystem, run_id: str, states: dict[str, str]) -> set[str]:
    skipped = [name for name, state in states.items() if state == "skipped"]
    path = f"/dags/{MIXED}/dagRuns/{run_id}/taskInstances"
    keys = {name: system.api.get(f"{path}/{name}/xcomEntries")["xcom_entries"] for name in skipped if "[" not in name}
    return {name for name, entries in keys.items() if "skipped_because" in {entry["key"] for entry in entries}}


def test_a_dry_run_by_the_command_line_writes_nothing(mixed_run: str, airflow_system: AirflowSystem) -> None:
    (airflow_system.project / "inbox" / "prices" / "more.csv").write_text("symbol,date,price\nBBB,2026-02-01,7.5\n")
    before = airflow_system.snapshot("prices").number
    conf = json.dumps({"sources": ["prices"], "dry_run": True})
    airflow_system.command("dags", "trigger", MIXED, "--run-id", "by-hand", "--conf", conf)
    assert airflow_system.wait_for_run(MIXED, "by-hand") == "success", airflow_system.describe(MIXED, "by-hand")
    assert airflow_system.run(MIXED, "by-hand")["triggered_by"] == "cli"
    assert airflow_system.snapshot("prices").number == before
    assert len(airflow_system.api.get("/assets/events", source_dag_id=MIXED)["asset_events"]) == 1


def test_an_unknown_source_is_refused_before_anything_runs(airflow_system: AirflowSystem) -> None:
    body = {"logical_date": None, "conf": {"sources": ["watched-9"]}}
    answer = airflow_system.api.send("POST", f"/dags/{SMALL}/dagRuns", body)
    assert answer.status_code == 400
    assert "watched-9" in answer.text


def test_a_scheduled_workflow_runs_by_itself(airflow_system: AirflowSystem, unpaused: Callable[[str], None]) -> None:
    unpaused(EVERY_MINUTE)
    run = wait_until(lambda: airflow_system.runs(EVERY_MINUTE), what="a scheduled run")[0]
    assert run["run_type"] == "scheduled"
    assert airflow_system.wait_for_run(EVERY_MINUTE, run["dag_run_id"]) == "success"


def test_sources_are_asked_on_a_schedule_each_in_a_task_that_bears_its_name(
    airflow_system: AirflowSystem, unpaused: Callable[[str], None]
) -> None:
    unpaused(HEALTH)
    run = wait_until(lambda: airflow_system.runs(HEALTH), what="a round of checks")[0]
    assert run["run_type"] == "scheduled"
    airflow_system.wait_for_run(HEALTH, run["dag_run_id"])
    tasks = airflow_system.tasks(HEALTH, run["dag_run_id"]).values()
    checks = {task["rendered_map_index"]: task for task in tasks if task["task_id"] == "check"}
    told = {health.source: health.last.healthy for health in airflow_system.state.apis.health()}
    assert {name: task["state"] == "success" for name, task in checks.items()} == told
    assert (checks["prices"]["state"], checks["lost"]["state"]) == ("success", "failed")
    assert checks["lost"]["try_number"] == 1
