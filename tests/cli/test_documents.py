"""`finport validate` and `finport schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.project import SOURCE, ProjectFolder

PRICES = "include/configs/sources/prices.yaml"
DAILY = "include/configs/workflows/daily.yaml"


def test_right_documents_are_counted(project: ProjectFolder) -> None:
    assert "3 documents read, no mistakes" in project.done("validate")


def test_every_mistake_is_told_with_line_column_and_fix(project: ProjectFolder) -> None:
    project.change(PRICES, "  owner:", "  ownr:")
    project.change(DAILY, "action: establish_secure_connection", "action: establish_connection")
    told = project.refused("validate")
    assert f"{PRICES}:8:3: spec.ownr: unknown key; did you mean 'owner'?" in told
    assert f"{DAILY}:12:" in told
    assert "mistakes in 2 files, 3 documents read" in told


def test_a_named_file_is_told_of_alone(project: ProjectFolder) -> None:
    project.change(PRICES, "  owner:", "  ownr:")
    assert project.run("validate", DAILY).exit_code == 0
    told = project.refused("validate", PRICES)
    assert "1 document read" in told


def test_the_references_of_a_named_file_are_checked_against_the_whole_project(project: ProjectFolder) -> None:
    project.change(PRICES, "  dataset: closing-prices", "  dataset: closing-prices\n  policy: marketdata")
    assert "marketdata" in project.refused("validate", "include/configs/sources")


def test_mistakes_for_programs(project: ProjectFolder) -> None:
    project.change(PRICES, "  owner:", "  ownr:")
    result = project.run("validate", "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["documents"] == 3
    assert {"path", "line", "column", "key", "message"} == set(told["mistakes"][0])


def test_another_project_is_validated_by_its_folder(project: ProjectFolder, tmp_path: Path) -> None:
    other = ProjectFolder(tmp_path / "other")
    other.write("include/configs/sources/a.yaml", SOURCE.replace("owner:", "ownr:"))
    assert "include/configs/sources/a.yaml:8:3" in project.refused("validate", other.folder)


@pytest.mark.parametrize(
    ("path", "told"), [("nowhere.yaml", "there is no file or folder"), ("drop/2026-01-02.csv", "is no document")]
)
def test_what_is_no_document_is_refused(project: ProjectFolder, path: str, told: str) -> None:
    output = project.refused("validate", path)
    assert told in output
    assert "Fix:" in output


def test_outside_of_a_project_the_fix_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = ProjectFolder(tmp_path).refused("validate")
    assert "no folder 'include/configs'" in told
    assert "Fix: run this in the project's folder" in told


def test_schemas_are_written_where_they_are_asked_for(project: ProjectFolder, tmp_path: Path) -> None:
    told = project.done("schema", "--out", tmp_path / "schemas")
    written = sorted(path for path in (tmp_path / "schemas").rglob("*") if path.is_file())
    assert len(written) == 10
    assert sorted(told.split()) == [str(path) for path in written]
