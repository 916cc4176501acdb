"""`finport doctor` and `finport db`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.project import SOURCE, ProjectFolder


def checks(project: ProjectFolder) -> tuple[int, dict[str, Any]]:
    result = project.run("doctor", "--json")
    return result.exit_code, {row["what"]: row for row in json.loads(result.stdout)}


def test_a_project_in_order_passes(ready: ProjectFolder) -> None:
    code, found = checks(ready)
    assert {name: row["told"] for name, row in found.items() if row["level"] == "fail"} == {}
    assert code == 0
    assert {"python", "project", "documents", "state", "places", "source prices", "executor"} <= set(found)
    assert list((ready.folder / ".finport/places").iterdir()) == []


def test_a_missing_state_database_fails_with_its_fix(project: ProjectFolder) -> None:
    code, found = checks(project)
    assert code == 1
    assert (found["state"]["level"], found["state"]["fix"]) == ("fail", "run 'finport db upgrade'")
    assert "1 fail" in project.run("doctor").stdout


def test_wrong_documents_fail(ready: ProjectFolder) -> None:
    ready.change("include/configs/sources/prices.yaml", "  owner:", "  ownr:")
    code, found = checks(ready)
    assert code == 1
    assert "mistake" in found["documents"]["told"]


def test_a_missing_connection_and_a_missing_variable_are_warnings(ready: ProjectFolder) -> None:
    other = SOURCE.replace("name: prices", "name: vendor").replace("${FINPORT_PROJECT}/drop", "${VENDOR_DROP}")
    other = other.replace("    protocol: file\n", "    protocol: file\n    connection: vendor_files\n")
    ready.write("include/configs/sources/vendor.yaml", other)
    code, found = checks(ready)
    vendor = found["source vendor"]
    assert code == 0
    assert vendor["level"] == "warn"
    assert "VENDOR_DROP" in vendor["told"]
    assert "no connection 'vendor_files'" in vendor["told"]
    assert "AIRFLOW_CONN_VENDOR_FILES" in vendor["fix"]


def test_places_that_cannot_be_written_fail(ready: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ready.write("occupied", "")
    monkeypatch.setenv("AIRFLOW__FINPORT__PLACES", str(file / "places"))
    code, found = checks(ready)
    assert code == 1
    assert str(file) in found["places"]["told"]
    assert found["places"]["fix"]


def test_a_place_of_no_known_kind_fails(ready: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__FINPORT__PLACES", "nowhere://bucket/places")
    code, found = checks(ready)
    assert code == 1
    assert "'nowhere://bucket/places' is no place for data" in found["places"]["told"]


def test_outside_of_a_project_only_the_installation_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, found = checks(ProjectFolder(tmp_path))
    assert code == 1
    assert found["project"]["fix"] == "run this in the project's folder"
    assert "state" not in found


def test_the_state_database_is_made_once_and_checked(project: ProjectFolder) -> None:
    assert "there is no state database" in project.refused("db", "check")
    assert "is up to date" in project.done("db", "upgrade")
    assert "is up to date" in project.done("db", "upgrade")
    assert "answers and is up to date" in project.done("db", "check")


def test_a_server_that_does_not_answer_is_named_without_its_password(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FINPORT_STATE", "postgresql://finport:secret@127.0.0.1:1/finport")
    told = project.refused("db", "check")
    assert "127.0.0.1" in told
    assert "refused" in told
    assert "Fix: " in told
    assert "secret" not in told
