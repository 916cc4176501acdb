"""`finport plan`: what will be done, who says so, and what a change alters."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.project import SOURCE, ProjectFolder

PRICES = "include/configs/sources/prices.yaml"
DAILY = "include/configs/workflows/daily.yaml"
DEFAULT = "include/configs/policies/default.yaml"


@pytest.fixture
def committed(project: ProjectFolder) -> ProjectFolder:
    """The project below a repository's root, as of its first commit."""
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    for command in (["init", "-q"], ["add", "project/include"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *identity, *command], cwd=project.folder.parent, check=True)
    return project


def rows(project: ProjectFolder) -> dict[str, tuple[object, str]]:
    [plan] = project.json("plan")
    [source] = plan["sources"]
    return {row["key"]: (row["value"], row["origin"]) for row in source["stated"]}


def test_the_plan_shows_steps_and_sources(project: ProjectFolder) -> None:
    told = project.done("plan", "daily")
    assert "Workflow daily (DAG daily)" in told
    assert "collect_data_from_source" in told
    assert "Source prices, into dataset closing-prices" in told


def test_every_value_says_where_it_comes_from(project: ProjectFolder) -> None:
    stated = rows(project)
    assert stated["source.path"] == ("${FINPORT_PROJECT}/drop", f"{PRICES}:11")
    assert stated["settings.quality.minScore"] == (10, f"{DEFAULT}:9")
    assert stated["settings.quality.maxNullShare"] == (0.1, "built-in")
    assert stated["contract.columns[close]"][1] == f"{PRICES}:20"


def test_a_source_is_above_its_policy_and_a_step_above_the_source(project: ProjectFolder) -> None:
    project.write(PRICES, SOURCE + "  overrides: {quality: {minScore: 60}}\n")
    project.change(
        DAILY,
        "action: validate_data_quality, timeout: 2m, retries: 2}",
        "action: validate_data_quality, timeout: 2m, retries: 2, overrides: {quality: {minScore: 70}}}",
    )
    stated = rows(project)
    assert stated["settings.quality.minScore"] == (60, f"{PRICES}:21")
    assert stated["settings in step quality.quality.minScore"] == (70, f"{DAILY}:15")
    assert "settings in step quality.quality.maxErrorShare" not in stated


def test_an_unknown_workflow_is_refused_with_the_one_that_was_meant(project: ProjectFolder) -> None:
    assert "did you mean 'daily'?" in project.refused("plan", "dayly")


def test_nothing_changed_is_said(committed: ProjectFolder) -> None:
    assert "no plan differs from HEAD" in committed.done("plan", "--diff", "HEAD")


def test_changes_are_told_by_words(committed: ProjectFolder) -> None:
    committed.change(DEFAULT, "minScore: 10", "minScore: 20")
    committed.change(DAILY, "timeout: 1h", "timeout: 2h")
    committed.change(PRICES, "minimum: 0}", "minimum: 1}")
    told = committed.done("plan", "--diff", "HEAD").splitlines()
    assert told == [
        "Workflow daily",
        "  timeout changes from 1h to 2h",
        "  source prices: contract.columns[close].minimum changes from 0 to 1",
        "  source prices: settings.quality.minScore changes from 10.0 to 20.0",
    ]


def test_added_and_removed_parts_are_told(committed: ProjectFolder) -> None:
    committed.write("include/configs/sources/more.yaml", SOURCE.replace("name: prices", "name: more-prices"))
    committed.change(DAILY, "    - {name: connect", "    # - {name: connect")
    found = {(row["part"], row["key"], row["kind"]) for row in committed.json("plan", "--diff", "HEAD")}
    assert ("source more-prices", "", "added") in found
    assert ("step connect", "", "removed") in found
    assert ("step collect", "dependsOn", "changed") in found


def test_a_workflow_that_breaks_is_told(committed: ProjectFolder) -> None:
    committed.change(PRICES, "  owner:", "  ownr:")
    assert "the workflow is broken" in committed.done("plan", "--diff", "HEAD").replace("  ", "")


def test_an_unknown_revision_is_refused(committed: ProjectFolder) -> None:
    assert "git knows no revision 'v9'" in committed.refused("plan", "--diff", "v9")


def test_a_project_in_no_repository_is_refused(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.folder.parent))
    assert "git knows no revision" in project.refused("plan", "--diff", "HEAD")
