"""One run of a workflow through Airflow in this process (`dag.test()`), its output in a log file."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import DAG

BUNDLE = "dags-folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowRun:
    """How a run ended, as Airflow sees it."""

    run_id: str
    state: str


def prepare_database() -> None:
    """Make or migrate Airflow's own database; quick when it is up to date."""
    from airflow.utils.db import check_migrations, upgradedb

    try:
        check_migrations(0)  # type: ignore[no-untyped-call]
    except TimeoutError:
        upgradedb()


def load_dag(dags: Path, dag_id: str) -> DAG:
    """The DAG as the DAG processor would store it.

    Raises:
        RuntimeError: The file has import errors, or no such DAG; the errors are the message.
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    bag = DagBag(dag_folder=str(dags), bundle_name=BUNDLE, bundle_path=dags)
    if dag_id not in bag.dags:
        raise RuntimeError("\n".join(bag.import_errors.values()) or f"there is no DAG {dag_id}")
    sync_bag_to_db(bag, BUNDLE, None)
    dag: DAG = bag.dags[dag_id]
    return dag


def run_dag(dag: DAG, conf: dict[str, Any]) -> AirflowRun:
    """Run the DAG's tasks one after the other in this process."""
    run = dag.test(run_conf=conf)
    return AirflowRun(run_id=run.run_id, state=str(run.state))


@contextlib.contextmanager
def output_into(log: Path) -> Iterator[int]:
    """Send what this process prints into a file; yields a descriptor of the terminal it had."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    terminal, errors = os.dup(1), os.dup(2)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(terminal, 1)
            os.dup2(errors, 2)
            os.close(terminal)
            os.close(errors)
