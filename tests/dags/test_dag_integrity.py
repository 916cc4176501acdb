"""What the Astro CLI's stock tests check, with Airflow 3.3's DagBag, and the same for the factory's own promises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

ROOT = Path(__file__).parents[2]
_getenv = os.getenv


def _mocked_getenv(name: str, *default: Any) -> Any:
    return _getenv(name, *default) if name.startswith(("AIRFLOW", "PYTEST", "HOME")) else f"MOCKED_{name}_VALUE"


@contextmanager
def _stock_patches() -> Iterator[None]:
    """The stock tests hide connections, variables and the environment, so that parsing depends on none of them."""
    from airflow.sdk import Connection, Variable

    with (
        patch.object(Variable, "get", classmethod(lambda cls, key, *rest, **more: f"mocked_{key}")),
        patch.object(
            Connection, "get", classmethod(lambda cls, conn_id: Connection(conn_id=conn_id, conn_type="mocked"))
        ),
        patch("os.getenv", _mocked_getenv),
    ):
        yield


@pytest.fixture(scope="module")
def dag_bag() -> Any:
    with _stock_patches():
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(ROOT / "dags"))


def test_every_file_is_imported_without_error(dag_bag: Any) -> None:
    assert dag_bag.import_errors == {}


def test_the_shipped_workflows_are_dags_under_their_agreed_ids(dag_bag: Any) -> None:
    assert {"base_standard_ingestion_workflow", "base_test_workflow"} <= set(dag_bag.dags)


def test_every_dag_has_tags_and_every_task_an_owner_and_two_retries(dag_bag: Any) -> None:
    assert dag_bag.dags
    for dag in dag_bag.dags.values():
        assert dag.tags, f"{dag.dag_id} has no tags"
        for task in dag.tasks:
            assert task.retries >= 2, f"{dag.dag_id}.{task.task_id} has {task.retries} retries"
            assert task.owner not in ("", "airflow"), f"{dag.dag_id}.{task.task_id} has no owner"
