"""`finport health`: the history of checks, what is unusual, and the quota of the day."""

from __future__ import annotations

import json

from tests.cli.project import ProjectFolder

_LOWERED = 'overrides: {security: {minTls: "1.2", minTlsReason: an old server}}\n'
_QUOTA = "overrides: {limits: {quota: {requests: 500, timeZone: Europe/London}}}\n"


def test_before_any_check_it_says_how_to_make_one(ready: ProjectFolder) -> None:
    assert "finport health --check" in ready.done("health")


def test_a_check_enters_the_history_and_the_overview(ready: ProjectFolder) -> None:
    ready.done("health", "--check")
    ready.done("health", "prices", "--check")
    (row,) = json.loads(ready.done("health", "--json"))["checks"]
    assert (row["source"], row["health"], row["available"], row["checks"]) == ("prices", "ok", "100.0%", 2)
    history = json.loads(ready.done("health", "prices", "--json"))
    assert [check["health"] for check in history["checks"]] == ["ok", "ok"]


def test_a_source_that_does_not_answer_is_told_with_the_share_of_good_checks(ready: ProjectFolder) -> None:
    ready.done("health", "--check")
    ready.change("include/configs/sources/prices.yaml", "/drop", "/nowhere")
    result = ready.run("health", "--check")
    assert result.exit_code == 1
    (row,) = json.loads(ready.done("health", "--json"))["checks"]
    assert (row["health"], row["available"]) == ("fail", "50.0%")
    assert "nowhere" in row["detail"]


def test_runs_with_a_lower_protection_are_counted_with_their_reason(ready: ProjectFolder) -> None:
    document = ready.folder / "include/configs/sources/prices.yaml"
    document.write_text(document.read_text() + f"  {_LOWERED}")
    ready.done("ingest", "prices", "--run-id", "one")
    (row,) = json.loads(ready.done("health", "--json"))["lowered"]
    assert (row["source"], row["measure"], row["runs"], row["reason"]) == ("prices", "minTls 1.2", 1, "an old server")
    events = json.loads(ready.done("show", "one", "--json"))["events"]
    assert [event["type"] for event in events].count("io.finport.protection_lowered") == 1


def test_a_quota_is_told_before_the_run_by_plan_and_health(ready: ProjectFolder) -> None:
    document = ready.folder / "include/configs/sources/prices.yaml"
    document.write_text(document.read_text() + f"  {_QUOTA}")
    told = "500 of 500 requests are left today; no earlier run tells how many this one needs"
    assert told in ready.done("plan")
    (row,) = json.loads(ready.done("health", "--json"))["quotas"]
    assert (row["source"], row["quota"], row["used"], row["told"]) == ("prices", 500, 0, told)


def test_a_plan_is_printed_where_no_state_database_is_yet(project: ProjectFolder) -> None:
    document = project.folder / "include/configs/sources/prices.yaml"
    document.write_text(document.read_text() + f"  {_QUOTA}")
    assert "quota: not known here" in project.done("plan")
