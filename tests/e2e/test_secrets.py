"""Wherever a run leaves a trace, no secret is in it: logs, XCom, rendered fields, errors, events, databases, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conformance.sources.access import UNESCAPED_SECRET
from tests.e2e.project import GUARDED
from tests.e2e.system import TERMINAL, AirflowSystem

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def guarded_run(airflow_system: AirflowSystem) -> str:
    """A run of a source behind a login and of one whose key is refused, when it is over."""
    run_id = airflow_system.trigger(GUARDED)
    airflow_system.wait_for_run(GUARDED, run_id)
    return run_id


def test_the_login_is_used_and_the_wrong_key_is_told(guarded_run: str, airflow_system: AirflowSystem) -> None:
    outcome = {source.source: source.status.value for source in airflow_system.state.run(guarded_run).sources}
    assert outcome == {"guarded": "succeeded", "refused": "failed"}


def test_no_file_of_the_run_holds_a_secret(guarded_run: str, airflow_system: AirflowSystem) -> None:
    roots = (airflow_system.project, Path(str(airflow_system.places.root)), airflow_system.site.folder.path)
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    # Where the operator has put the secret himself: the environment that the components are started with.
    told = [path for path in files if UNESCAPED_SECRET.encode() in path.read_bytes()]
    assert told == []


def test_no_table_holds_a_secret(guarded_run: str, airflow_system: AirflowSystem) -> None:
    urls = (airflow_system.site.metadata_url, airflow_system.state_url)
    counts = {}
    for url in urls:
        for table, text in _tables(url):
            counts[table] = len(text)
            assert UNESCAPED_SECRET not in text, table
    assert counts["public.xcom"]
    assert counts["public.rendered_task_instance_fields"]
    assert counts["public.finport_outbox"]


def test_neither_api_nor_command_line_shows_a_secret(guarded_run: str, airflow_system: AirflowSystem) -> None:
    shown = [json.dumps(airflow_system.run(GUARDED, guarded_run))]
    for task_id, task in airflow_system.tasks(GUARDED, guarded_run).items():
        shown.append(json.dumps(task))
        # Those of mapped tasks are looked at as files.
        if task["state"] in TERMINAL and "[" not in task_id:
            shown.append(airflow_system.log(GUARDED, guarded_run, task_id, try_number=1))
    assert "refused" in "".join(shown)
    assert [text for text in shown if UNESCAPED_SECRET in text] == []


def _tables(url: str) -> Iterator[tuple[str, str]]:
    """Every table of a database as text."""
    with psycopg.connect(url.replace("+psycopg", "").replace("+psycopg2", "")) as connection:
        names: list[Any] = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, name in names:
            with connection.cursor().copy(f'COPY "{schema}"."{name}" TO STDOUT') as copied:
                yield f"{schema}.{name}", b"".join(bytes(block) for block in copied).decode()
