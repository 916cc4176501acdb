"""Every shipped source is listed, collected, converted, checked and published, from a stand-in of its provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from finport_ingestion.engine.sources.pagination import DateWindow
from tests.services.web import WebServers
from tests.stand_ins.bodies import ROWS
from tests.stand_ins.project import SOURCES, StandIns


@pytest.fixture(scope="module")
def stand_ins(web_servers: WebServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """The project is the current folder."""
    with web_servers.serve() as server, pytest.MonkeyPatch.context() as patch:
        stand_ins = StandIns(tmp_path_factory.mktemp("stand-ins") / "project", server)
        for name in ("AIRFLOW_HOME", "AIRFLOW__FINPORT__PLACES", "AIRFLOW_CONN_FINPORT_STATE"):
            patch.delenv(name, raising=False)
        for name, value in stand_ins.environment.items():
            patch.setenv(name, value)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.chdir(stand_ins.project.folder)
        stand_ins.project.done("validate")
        stand_ins.project.done("db", "upgrade")
        yield stand_ins


@pytest.mark.parametrize("source", SOURCES)
def test_a_shipped_source_runs_through_the_whole_engine(source: str, stand_ins: StandIns) -> None:
    told = json.loads(stand_ins.project.run("ingest", source, "--json").stdout)
    steps = {step["step"]: step for step in told["steps"]}
    assert told["status"] == "succeeded", told["sources"][0]["why"]
    expected = _records(source, stand_ins, items=steps["collect"]["items"])
    assert (steps["quality"]["rows_passed"], steps["quality"]["rows_quarantined"]) == (expected, 0)
    assert set(_agreed(source)) <= _published_columns(source, stand_ins)


def _records(source: str, stand_ins: StandIns, *, items: int) -> int:
    provider = stand_ins.providers[source]
    each = provider.windows if isinstance(provider.options.pagination, DateWindow) else items
    return ROWS[source] * each


def _agreed(source: str) -> list[str]:
    return [column["name"] for column in SOURCES[source].spec["contract"]["columns"]]


def _published_columns(source: str, stand_ins: StandIns) -> set[str]:
    rows: list[dict[str, Any]] = json.loads(
        stand_ins.project.done("read", SOURCES[source].spec["dataset"], "--limit", "1", "--json")
    )
    return set(rows[0])
