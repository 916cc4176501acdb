"""A plan as a DAG: groups, mapped tasks, schedules, the trigger form, and what a wrong document costs."""

from __future__ import annotations

import itertools
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.config.models.documents import Schedule
from finport_ingestion.engine.workflow.plan import Plan
from finport_ingestion.engine.workflow.registry import known_actions
from tests.crash.small_project import write_project

ROOT = Path(__file__).parents[2]
STEPS = ["validate", "connect", "discover", "collect", "land", "infer", "convert", "reconcile", "quality", "store"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write_project(tmp_path / "project")
    shutil.copytree(ROOT / "dags", folder / "dags")
    return folder


def _workflow(project: Path) -> Path:
    return project / "include" / "configs" / "workflows" / "prices.yaml"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _dags(project: Path) -> dict[str, Any]:
    from finport_ingestion.factory.dags import load_dags

    return load_dags(str(project / "dags" / "finport_workflows.py"))


def _plan(project: Path) -> Plan:
    from finport_ingestion.factory.dags import plans_of

    return plans_of(load_catalog(project, known_actions=known_actions()), "prices-workflow")[0]


def test_a_source_is_a_static_group_between_begin_and_finish(project: Path) -> None:
    (dag,) = _dags(project).values()
    assert dag.dag_id == "prices_workflow"
    assert set(dag.task_ids) == {"begin", "finish", *(f"prices.{step}" for step in STEPS)}
    assert dag.get_task("begin").downstream_task_ids == {"prices.validate"}
    assert dag.get_task("finish").upstream_task_ids == {"prices.store"}
    for before, after in itertools.pairwise(STEPS):
        assert f"prices.{after}" in dag.get_task(f"prices.{before}").downstream_task_ids


def test_parallel_steps_are_mapped_over_batch_numbers(project: Path) -> None:
    (dag,) = _dags(project).values()
    for name in ("prices.collect", "prices.convert"):
        assert dag.get_task(name).is_mapped
    assert not dag.get_task("prices.store").is_mapped


def test_timeouts_retries_owner_and_run_limits_are_the_documents(project: Path) -> None:
    _edit(_workflow(project), "name: store, agent", "pool: publishing, priority: 7, name: store, agent")
    (dag,) = _dags(project).values()
    store = dag.get_task("prices.store")
    assert (store.execution_timeout, store.retries, store.owner) == (timedelta(minutes=1), 2, "tests")
    assert (store.pool, store.priority_weight) == ("publishing", 7)
    assert store.retry_exponential_backoff
    assert (dag.dagrun_timeout, dag.max_active_runs, dag.catchup) == (timedelta(hours=1), 1, False)
    assert [asset.name for asset in store.outlets] == ["prices"]
    assert [asset.uri for asset in store.outlets] == ["finport://dataset/prices"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"cron": "0 */6 * * *", "timeZone": "Europe/Berlin"}, "CronTriggerTimetable"),
        ({"interval": "30m"}, "DeltaTriggerTimetable"),
        ({"continuous": True}, "@continuous"),
        ({"allAssets": ["a", "b"]}, "AssetAll"),
        ({"anyAssets": ["a", "b"]}, "AssetAny"),
        ({"cron": "0 2 * * *", "anyAssets": ["a"]}, "AssetOrTimeSchedule"),
        ({}, None),
    ],
)
def test_each_way_to_schedule(schedule: dict[str, Any], expected: str | None) -> None:
    from finport_ingestion.factory.schedules import airflow_schedule

    drawn = airflow_schedule(Schedule.model_validate(schedule))
    assert drawn == expected or type(drawn).__name__ == expected


def test_the_trigger_form_offers_the_sources_and_the_overrides(project: Path) -> None:
    (dag,) = _dags(project).values()
    assert dag.params.get_param("sources").schema["items"]["enum"] == ["prices"]
    switches = set(dag.params) - {"sources"}
    assert switches == {
        "force_run_all",
        "skip_frequency_check",
        "skip_dependency_check",
        "skip_change_detection",
        "skip_data_quality",
        "dry_run",
        "backfill_from",
        "backfill_until",
    }
    assert not any(dag.params[name] for name in switches)


def test_a_dag_for_each_source_comes_from_the_same_builder(project: Path) -> None:
    source = project / "include/configs/sources/prices.yaml"
    (source.parent / "rates.yaml").write_text(source.read_text().replace("{name: prices}", "{name: rates}"))
    _edit(_workflow(project), "names: [prices]}", "names: [prices, rates]}\n  layout: dag-per-source")
    dags = _dags(project)
    assert set(dags) == {"prices_workflow__prices", "prices_workflow__rates"}
    assert set(dags["prices_workflow__rates"].task_ids) == {"begin", "finish", *(f"rates.{step}" for step in STEPS)}


def test_a_dependent_source_comes_after_the_one_that_provides(project: Path) -> None:
    source = project / "include/configs/sources/prices.yaml"
    text = source.read_text().replace("{name: prices}", "{name: returns}")
    (source.parent / "returns.yaml").write_text(text.replace("  owner: tests", "  owner: tests\n  dependsOn: [prices]"))
    _edit(_workflow(project), "names: [prices]", "names: [prices, returns]")
    (dag,) = _dags(project).values()
    first = dag.get_task("returns.validate")
    assert "prices.store" in first.upstream_task_ids
    assert first.trigger_rule == "all_done"


def test_every_change_of_a_document_changes_the_dag(project: Path) -> None:
    (before,) = _dags(project).values()
    _edit(project / "include/configs/sources/prices.yaml", "minScore: 0", "minScore: 1")
    (after,) = _dags(project).values()
    assert before.get_task("begin").plan_digest != after.get_task("begin").plan_digest
    assert before.doc_md != after.doc_md


def test_the_same_documents_give_the_same_plan(project: Path) -> None:
    plan = _plan(project)
    assert plan.digest == _plan(project).digest
    assert Plan.from_json(plan.to_json()).digest == plan.digest


def test_a_wrong_document_costs_only_the_dags_that_use_it(project: Path) -> None:
    from finport_ingestion.engine.errors import ConfigError
    from finport_ingestion.factory.dags import raise_mistakes

    configs = project / "include/configs"
    broken = (configs / "workflows/prices.yaml").read_text().replace("prices-workflow", "broken-workflow")
    (configs / "workflows/broken.yaml").write_text(broken.replace("agent: converter", "agent: convertor"))
    assert set(_dags(project)) == {"prices_workflow"}
    with pytest.raises(ConfigError, match=r"include/configs/workflows/broken\.yaml:\d+:\d+: spec\.steps") as raised:
        raise_mistakes(str(project / "dags" / "finport_documents.py"))
    assert "converter" in str(raised.value)


def test_right_documents_raise_nothing(project: Path) -> None:
    from finport_ingestion.factory.dags import raise_mistakes

    raise_mistakes(str(project / "dags" / "finport_documents.py"))


def test_a_worker_that_needs_one_dag_draws_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _workflow(project).read_text()
    (_workflow(project).parent / "other.yaml").write_text(text.replace("prices-workflow", "other-workflow"))
    assert set(_dags(project)) == {"prices_workflow", "other_workflow"}
    # What Airflow sets in a worker (airflow.sdk.definitions.context / dag parsing context).
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "other_workflow")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "begin")
    assert set(_dags(project)) == {"other_workflow"}


def test_a_local_folder_is_refused_where_tasks_run_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from finport_ingestion.engine.errors import ConfigError

    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    with pytest.raises(ConfigError, match="object store"):
        _dags(project)
    monkeypatch.setenv("AIRFLOW__FINPORT__SHARED_DISK", "True")
    assert set(_dags(project)) == {"prices_workflow"}
