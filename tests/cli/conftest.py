"""What the tests of commands share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.project import PRICES, ProjectFolder


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Airflow home, no settings of the person who runs the tests, and lines that no terminal breaks."""
    for name in ("AIRFLOW_HOME", "AIRFLOW__FINPORT__PLACES", "AIRFLOW_CONN_FINPORT_STATE", "FINPORT_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project with documents and a delivery; the current folder."""
    folder = ProjectFolder(tmp_path / "project")
    folder.write_documents()
    folder.deliver("2026-01-02.csv", PRICES)
    monkeypatch.chdir(folder.folder)
    return folder


@pytest.fixture
def ready(project: ProjectFolder) -> ProjectFolder:
    """The same with an empty state database."""
    project.done("db", "upgrade")
    return project


@pytest.fixture(scope="module")
def after_first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project that has run once, as run `first`; not to be changed."""
    folder = ProjectFolder(tmp_path_factory.mktemp("ran") / "project")
    folder.write_documents()
    folder.deliver("2026-01-02.csv", PRICES)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AIRFLOW_HOME", raising=False)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.chdir(folder.folder)
        folder.done("db", "upgrade")
        folder.done("ingest", "prices", "--run-id", "first")
    return folder.folder


@pytest.fixture
def ran(after_first_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project of its own that has run once, as run `first`; the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(after_first_run, folder)
    monkeypatch.chdir(folder)
    return ProjectFolder(folder)
