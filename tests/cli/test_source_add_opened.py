"""`finport source add` for what needs a connection: it is opened as a run opens it, where the connection is set."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from finport_ingestion.cli.source_probing import smallest
from finport_ingestion.engine.records import SourceItem
from tests.cli.project import ProjectFolder
from tests.services.ftp_server import FtpServer

CSV = "symbol;date;close\nAAPL;2026-11-24;243,85\nMSFT;2026-11-24;418,58\n"


def written(project: ProjectFolder) -> str:
    return (project.folder / "include/configs/sources/drop.yaml").read_text()


@pytest.fixture
def of_ftp(ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder with two files of a server that wants a login."""
    folder = ftp_server.folder()
    folder.chmod(0o755)
    (folder / "prices-2026-11-24.csv").write_text(CSV)
    (folder / "prices-2026-11-25.csv").write_text(CSV * 50)
    fields = {
        "conn_type": "finport_ftp",
        "host": "localhost",
        "port": ftp_server.port,
        "login": ftp_server.user,
        "password": ftp_server.password,
        "extra": {"ca_file": str(ftp_server.ca_path)},
    }
    monkeypatch.setenv("AIRFLOW_CONN_DROP", json.dumps(fields))
    return f"ftp://localhost{ftp_server.path(folder)}/*.csv"


def test_a_server_of_files_is_logged_into_and_one_file_is_looked_at(ready: ProjectFolder, of_ftp: str) -> None:
    way = ("--allow-private-network", "--connection", "drop", "--name", "drop", "--label", "workflow=daily")
    told = ready.json("source", "add", of_ftp, *way)
    proposed = {row["about"]: row for row in told["proposals"]}
    assert "logged in by FTP over TLS" in proposed["protocol"]["reasons"][-1]
    assert proposed["format"]["value"]["format"] == "csv"
    assert 'pattern: "*.csv"' in written(ready)
    assert "- {name: symbol, type:" in written(ready)
    ready.done("validate")
    assert {row["id"] for row in ready.json("source", "discover", "drop")} == {
        "prices-2026-11-24.csv",
        "prices-2026-11-25.csv",
    }


def test_a_wrong_password_is_told_and_nothing_is_written(
    project: ProjectFolder, of_ftp: str, ftp_server: FtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"ca_file": str(ftp_server.ca_path)}
    fields = {"host": "localhost", "port": ftp_server.port, "login": ftp_server.user, "password": "no", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_DROP", json.dumps({"conn_type": "finport_ftp", **fields}))
    said = project.refused(
        "source", "add", of_ftp, "--allow-private-network", "--connection", "drop", "--name", "drop", "--yes"
    )
    assert "Fix:" in said
    assert not (project.folder / "include/configs/sources/drop.yaml").exists()


def test_without_the_connection_the_document_is_written_all_the_same(project: ProjectFolder) -> None:
    project.done("source", "add", "s3://market-data/prices/*.csv", "--connection", "lake", "--name", "drop", "--yes")
    assert "bucket: market-data\n    path: prices\n" in written(project)


def test_a_table_is_stated_by_set(project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "market.duckdb"
    with duckdb.connect(path) as store:
        store.execute("CREATE TABLE prices AS SELECT 'AAPL' AS symbol, 243.85 AS close")
    monkeypatch.setenv("AIRFLOW_CONN_MARKET", json.dumps({"conn_type": "duckdb", "extra": {"path": str(path)}}))
    project.done(
        *("source", "add", "duckdb://market", "--connection", "market", "--name", "drop", "--yes"),
        *("--set", "table=prices", "--set", "fetchRows=1000", "--label", "workflow=daily"),
    )
    assert "table: prices\n    fetchRows: 1000\n" in written(project)
    assert project.json("source", "sample", "drop")["rows"][0]["symbol"] == "AAPL"


def test_what_is_missing_is_said_with_the_way_to_state_it(project: ProjectFolder) -> None:
    said = project.refused("source", "add", "postgresql://db.example.com/market", "--connection", "db", "--yes")
    assert "state either 'table' or 'query'" in said
    assert "--set KEY=VALUE" in said


def test_a_setting_without_a_value_is_refused(project: ProjectFolder) -> None:
    said = project.refused("source", "add", "kafka://b:9092/prices", "--connection", "k", "--yes", "--set", "start")
    assert "--set is written KEY=VALUE" in said


def test_the_smallest_delivery_that_holds_something_is_looked_at() -> None:
    sizes = {"a": 0, "b": 300, "c": 20, "d": 10**12}
    items = [SourceItem(id=name, size_bytes=size) for name, size in sizes.items()]
    assert smallest(items) == items[2]
    assert smallest(items[:1]) is None
    assert smallest([SourceItem(id="page")]) == SourceItem(id="page")
