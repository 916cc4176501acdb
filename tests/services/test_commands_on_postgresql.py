"""The command line with its state, and a dataset, on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import PRICES, ProjectFolder

DEFAULT = "include/configs/policies/default.yaml"
STORED = "    store: {storage: sql, connection: warehouse, table: market.closing_prices, mode: upsert}\n"


@pytest.fixture
def project(postgresql_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project whose state and dataset lie in one database; it has run once, as run `first`."""
    url = postgresql_database.replace("postgresql+psycopg://", "postgres://")
    for name in ("FINPORT_STATE", "WAREHOUSE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", url)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    folder = ProjectFolder(tmp_path / "project")
    folder.write_documents()
    folder.change(DEFAULT, "    retry:", f"{STORED}    retry:")
    folder.deliver("2026-01-02.csv", PRICES)
    monkeypatch.chdir(folder.folder)
    folder.done("db", "upgrade")
    folder.done("ingest", "prices", "--run-id", "first")
    return folder


def symbols(project: ProjectFolder, *more: object) -> list[str]:
    return [row["symbol"] for row in project.json("read", "closing-prices", *more)]


def test_a_dataset_in_a_table_is_read_and_repaired(project: ProjectFolder) -> None:
    assert symbols(project) == ["AAPL", "MSFT", "ORCL", "AMZN"]
    assert symbols(project, "--where", "volume < 1000") == ["ORCL", "AMZN"]
    assert project.json("read", "closing-prices", "--limit", 1, "--lineage")[0]["_finport_row"] == 1
    assert "has no snapshots" in project.refused("read", "closing-prices", "--snapshot", 1)
    project.done("quarantine", "show", "first", "prices", "--export", "repair.ndjson")
    file = project.folder / "repair.ndjson"
    file.write_text(file.read_text().replace("-221.0300", "221.03").replace("n.a.", "271.55"))
    project.done("quarantine", "release", "first", "prices", "--file", file)
    assert sorted(symbols(project)) == ["AAPL", "AMZN", "IBM", "MSFT", "ORCL", "SAP"]


def test_the_ledger_on_a_server_tells_the_same(project: ProjectFolder) -> None:
    assert [run["run"] for run in project.json("runs")] == ["first"]
    assert project.json("show", "fir")["status"] == "succeeded"
    assert project.json("source", "list")[0]["health"] == "ok"
    assert project.json("recover") == []
    assert project.run("doctor").exit_code == 0


def test_clean_removes_replaced_rows_and_keeps_the_current_ones(project: ProjectFolder) -> None:
    project.change(DEFAULT, "retention: {landing: 30d}", "retention: {landing: 0s, snapshots: 0s, ledger: 0s}")
    project.deliver("2026-01-02.csv", PRICES.replace("243.85", "250.00"))
    project.done("ingest", "prices")
    project.done("clean")
    assert project.places("landing") == []
    assert sorted(symbols(project)) == ["AAPL", "AMZN", "MSFT", "ORCL"]
    assert project.json("runs") == []


def test_reset_empties_the_ledger_only_by_force_and_leaves_tables_alone(project: ProjectFolder) -> None:
    assert "which others may use" in project.refused("reset", "--yes")
    project.done("reset", "--yes", "--force")
    assert project.json("runs") == []
    assert len(symbols(project)) == 4
