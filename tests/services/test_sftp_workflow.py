"""A workflow whose source is an SFTP server, run as `finport ingest` runs it: by documents and a connection alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from finport_ingestion.engine.config.catalog import load_catalog
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import Skipped
from finport_ingestion.engine.project import Project
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.step import Flags, RunKey
from finport_ingestion.engine.store.read import open_snapshot
from finport_ingestion.engine.workflow.compile import compile_plan
from finport_ingestion.engine.workflow.driver import Ingest
from finport_ingestion.engine.workflow.perform import StepFailed, Unit
from finport_ingestion.engine.workflow.registry import known_actions
from finport_ingestion.engine.workflow.services import Services
from tests.conformance.sources.access import UNESCAPED_SECRET
from tests.crash.small_project import SOURCE, WORKFLOW, rows, write_project
from tests.services.sftp_drops import Drop, dropped
from tests.services.sshd_server import SshServer


@pytest.fixture
def drop(ssh_server: SshServer) -> Iterator[Drop]:
    """A folder of its own."""
    with dropped(ssh_server) as drop:
        yield drop


class SmallProject:
    """Prices from an SFTP server."""

    def __init__(self, folder: Path, drop: Drop) -> None:
        path = drop.server.path(drop.folder)
        source = f'{{protocol: sftp, connection: custodian, path: {path}, pattern: "*.csv"}}'
        self.folder = write_project(folder, source=source)
        for file in (self.folder / "drop").iterdir():
            drop.write(file.name, file.read_bytes())
        connection = {
            "conn_type": "sftp",
            "host": "127.0.0.1",
            "port": drop.server.port,
            "login": drop.server.user,
            "password": UNESCAPED_SECRET,
            "extra": {"host_key": drop.server.host_key, "private_key": drop.server.key_path.read_text()},
        }
        self.connections = EnvironmentConnections({"AIRFLOW_CONN_CUSTODIAN": json.dumps(connection)})
        (self.folder / ".finport").mkdir()
        self.services = Services.of(Project(self.folder), self.connections)
        self.services.state.upgrade()

    def run(self, run_id: str) -> list[str]:
        """Do a run; what its steps said."""
        plan = compile_plan(load_catalog(self.folder, known_actions=known_actions()), WORKFLOW)
        said: list[str] = []

        def report(unit: Unit, ending: StepResult | Skipped | StepFailed) -> None:
            said.append(f"{unit.step}: {ending}")

        key = RunKey(workflow=WORKFLOW, run_id=run_id, run_after=datetime(2026, 2, 1, tzinfo=UTC))
        Ingest(plan=plan, run=key, services=self.services, flags=Flags(), report=report)()
        return said

    def stored(self) -> list[tuple[str, str, str]]:
        snapshot = open_snapshot(self.services.places.at(f"store/{SOURCE}"))
        return sorted((row["isin"], str(row["date"]), str(row["price"])) for row in snapshot.to_table().to_pylist())


def test_files_of_an_sftp_server_are_ingested_once(drop: Drop, tmp_path: Path) -> None:
    project = SmallProject(tmp_path / "project", drop)
    said = project.run("run-1")
    assert project.stored() == rows(), said
    assert any("unchanged" in each for each in project.run("run-2"))
    drop.write("third.csv", "isin,date,price\nXS0000000009,2026-01-01,1.00\n")
    project.run("run-3")
    assert len(project.stored()) == len(rows()) + 1


def test_no_file_of_a_run_repeats_a_secret(drop: Drop, tmp_path: Path) -> None:
    project = SmallProject(tmp_path / "project", drop)
    said = project.run("run-1")
    key = drop.server.key_path.read_text().splitlines()[2]
    written = [path.read_bytes() for path in project.folder.rglob("*") if path.is_file()]
    assert written
    for secret in (UNESCAPED_SECRET, key):
        assert not [text for text in (*written, *(each.encode() for each in said)) if secret.encode() in text]
