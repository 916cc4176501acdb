"""`finport ingest`, `runs`, `show` and `source list`: a run, and what is told of it."""

from __future__ import annotations

import json

import pytest

from tests.cli.project import SOURCE, WORKFLOW, ProjectFolder


def test_a_run_shows_each_step_with_its_counts(ran: ProjectFolder) -> None:
    ran.deliver("2026-01-05.csv", "symbol,date,close,volume\nAAPL,2026-01-05,245.00,10\nIBM,2026-01-05,-1,10\n")
    result = ran.run("ingest", "prices", "--run-id", "second")
    assert result.exit_code == 0
    header, *steps = [line.split() for line in result.stdout.splitlines() if line][:7]
    assert header[:4] == ["SOURCE", "STEP", "STATUS", "SECONDS"]
    assert [step[1:3] for step in steps] == [
        [name, "succeeded"] for name in ("validate", "connect", "collect", "convert", "quality", "store")
    ]
    assert "run second: succeeded" in result.stdout
    assert "prices store: succeeded in" in result.stderr


def test_a_run_for_programs_is_one_json_document(ran: ProjectFolder) -> None:
    ran.deliver("2026-01-05.csv", "symbol,date,close,volume\nAAPL,2026-01-05,245.00,10\nIBM,2026-01-05,-1,10\n")
    result = ran.run("ingest", "prices", "--json")
    told = json.loads(result.stdout)
    quality = next(step for step in told["steps"] if step["step"] == "quality")
    assert (quality["rows_read"], quality["rows_passed"], quality["rows_quarantined"]) == (2, 1, 1)
    assert told["status"] == "succeeded"
    assert result.stderr == ""


def test_an_unchanged_source_is_skipped_and_says_why(ran: ProjectFolder) -> None:
    told = ran.done("ingest", "prices")
    assert "prices: skipped: prices is unchanged since" in told


def test_force_takes_it_again(ran: ProjectFolder) -> None:
    told = ran.json("ingest", "prices", "--force")
    assert told["status"] == "succeeded"
    assert len(ran.json("read", "closing-prices")) == 4


def test_a_dry_run_contacts_the_source_and_writes_nothing(ready: ProjectFolder) -> None:
    told = ready.done("ingest", "prices", "--dry-run")
    assert "dry run: 1 item(s) would be collected (2026-01-02.csv)" in told
    assert ready.places("store") == ready.places("landing") == []


def test_a_failed_run_exits_with_one_and_says_why(ready: ProjectFolder) -> None:
    ready.change("include/configs/policies/default.yaml", "maxErrorShare: 0.5", "maxErrorShare: 0")
    output = ready.refused("ingest", "prices", "--run-id", "strict")
    assert "QualityGateFailed: prices: the delivery fails the quality gate" in output
    assert "run strict: failed" in output
    assert ready.places("store") == []


def test_a_source_that_is_not_there_is_told_with_its_fix(ready: ProjectFolder) -> None:
    for path in (ready.folder / "drop").iterdir():
        path.unlink()
    (ready.folder / "drop").rmdir()
    output = ready.refused("ingest", "prices")
    assert "prices: failed: " in output
    assert "drop" in output


def test_an_unknown_source_is_refused(project: ProjectFolder) -> None:
    assert "did you mean 'prices'?" in project.refused("ingest", "price")


def test_a_source_that_no_workflow_selects_is_refused(ready: ProjectFolder) -> None:
    ready.change("include/configs/workflows/daily.yaml", "workflow: daily}}", "workflow: nightly}}")
    assert "no workflow that can run selects source prices" in ready.refused("ingest", "prices")


def test_of_several_workflows_one_must_be_named(ready: ProjectFolder) -> None:
    ready.write("include/configs/workflows/again.yaml", WORKFLOW.replace("name: daily", "name: again"))
    assert "name one: --workflow again | daily" in ready.refused("ingest", "prices")
    assert ready.json("ingest", "prices", "--workflow", "again", "--dry-run")["workflow"] == "again"
    assert "does not select source prices" not in ready.done("ingest", "prices", "-w", "daily", "--dry-run")


def test_a_workflow_with_a_dag_for_each_source_is_called_as_in_airflow(ready: ProjectFolder) -> None:
    ready.change("include/configs/workflows/daily.yaml", "  timeout: 1h", "  timeout: 1h\n  layout: dag-per-source")
    assert ready.json("ingest", "prices", "--dry-run")["workflow"] == "daily--prices"


def test_a_failed_run_can_be_begun_again_under_its_name(ready: ProjectFolder) -> None:
    ready.change("include/configs/sources/prices.yaml", "/drop", "/nowhere")
    assert "run again: failed" in ready.refused("ingest", "prices", "--run-id", "again")
    ready.change("include/configs/sources/prices.yaml", "/nowhere", "/drop")
    (ready.folder / "nowhere").symlink_to(ready.folder / "drop")
    ready.done("ingest", "prices", "--run-id", "again")
    assert [(run["run"], run["status"]) for run in ready.json("runs")] == [("again", "succeeded")]


def test_a_run_that_ended_well_is_not_begun_again(ran: ProjectFolder) -> None:
    told = ran.refused("ingest", "prices", "--run-id", "first")
    assert "run first has succeeded" in told
    assert "name another run" in told


def test_runs_are_listed_newest_first(ran: ProjectFolder) -> None:
    ran.done("ingest", "prices", "--run-id", "later")
    assert [run["run"] for run in ran.json("runs")] == ["later", "first"]
    assert [run["run"] for run in ran.json("runs", "--limit", 1)] == ["later"]
    assert ran.json("runs", "--workflow", "nightly") == []
    header, first, second = ran.done("runs").splitlines()
    assert header.startswith("RUN ID  WORKFLOW  STATUS")
    assert first.split()[:3] == ["later", "daily", "skipped"]
    assert second.split()[:3] == ["first", "daily", "succeeded"]


def test_nothing_has_run_yet(ready: ProjectFolder) -> None:
    assert ready.done("runs") == "nothing has run yet\n"
    assert ready.json("runs") == []


def test_a_run_tells_its_story(ran: ProjectFolder) -> None:
    told = ran.done("show", "fir")
    assert "Run first of workflow daily: succeeded" in told
    assert "batch 0" in told
    for area in ("landing", "staging", "quarantine", "reports"):
        assert f"{area}/daily/prices/first" in told
    assert "closing-prices, commit 1" in told
    assert "collection_completed" in told


def test_the_story_for_programs(ran: ProjectFolder) -> None:
    told = ran.json("show", "first")
    assert told["sources"] == [{"source": "prices", "dataset": "closing-prices", "status": "succeeded", "why": None}]
    assert {event["type"].rpartition(".")[2] for event in told["events"]} >= {"started", "collection_completed"}
    assert next(step for step in told["steps"] if step["step"] == "store")["commit"] == "1"


def test_the_story_of_a_failure_has_every_try(ready: ProjectFolder) -> None:
    for path in (ready.folder / "drop").iterdir():
        path.unlink()
    (ready.folder / "drop").rmdir()
    ready.run("ingest", "prices", "--run-id", "gone")
    told = ready.json("show", "gone")
    assert told["status"] == "failed"
    assert {note["kind"] for note in told["notes"]} == {"failed", "decision"}


@pytest.mark.parametrize("name", ["nothing", "daily/nothing"])
def test_an_unknown_run_is_refused(ran: ProjectFolder, name: str) -> None:
    assert f"no run is called '{name}'" in ran.refused("show", name)


def test_sources_are_listed_with_their_standing(ran: ProjectFolder) -> None:
    other = SOURCE.replace("name: prices", "name: more").replace("{workflow: daily}", "{workflow: other}")
    ran.write("include/configs/sources/more.yaml", other)
    ran.write("include/configs/sources/wrong.yaml", other.replace("name: more", "name: wrong").replace("owner", "ownr"))
    ran.write("include/configs/sources/off.yaml", other.replace("name: more", "name: off") + "  enabled: false\n")
    listed = {row["source"]: row for row in ran.json("source", "list")}
    assert {name: row["health"] for name, row in listed.items()} == {
        "prices": "ok",
        "more": "new",
        "wrong": "wrong",
        "off": "off",
    }
    prices = listed["prices"]
    assert (prices["protocol"], prices["workflows"], prices["run_id"]) == ("file", ["daily"], "first")
    assert (prices["commit"], prices["row_count"]) == ("1", 4)
    assert ran.done("source", "list").splitlines()[0].startswith("SOURCE")


def test_a_source_whose_run_failed_is_listed_so(ready: ProjectFolder) -> None:
    ready.change("include/configs/policies/default.yaml", "maxErrorShare: 0.5", "maxErrorShare: 0")
    ready.run("ingest", "prices")
    [prices] = ready.json("source", "list")
    assert prices["health"] == "fail"
    assert "quality gate" in prices["why"]
