"""The day after: rejected records come in again, a run is replayed, what is old goes."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.state.state import State
from tests.cli.project import SOURCE, ProjectFolder
from tests.unit.state.parts import HandClock

PRICES = "include/configs/sources/prices.yaml"
DEFAULT = "include/configs/policies/default.yaml"


def exported(project: ProjectFolder, name: str = "repair.ndjson") -> Path:
    file = project.folder / name
    project.done("quarantine", "show", "first", "prices", "--export", file)
    return file


def repaired(project: ProjectFolder, name: str = "repair.ndjson") -> Path:
    file = exported(project, name)
    file.write_text(file.read_text().replace("-221.0300", "221.03").replace("n.a.", "271.55"))
    return file


def prices_of(project: ProjectFolder) -> dict[str, str]:
    return {row["symbol"]: row["close"] for row in project.json("read", "closing-prices")}


def test_the_whole_circle(ready: ProjectFolder) -> None:
    ready.done("ingest", "prices", "--run-id", "first")
    assert [run["status"] for run in ready.json("runs")] == ["succeeded"]
    assert ready.json("show", "first")["status"] == "succeeded"
    assert [row["column"] for row in ready.json("quarantine", "show", "first")] == ["close", "close"]
    ready.done("quarantine", "release", "first", "prices", "--file", repaired(ready))
    assert prices_of(ready)["SAP"] == "271.5500"
    ready.done("replay", "first")
    assert sorted(prices_of(ready)) == ["AAPL", "AMZN", "IBM", "MSFT", "ORCL", "SAP"]
    for area in ("landing", "staging", "quarantine", "reports", "snapshots"):
        ready.change(DEFAULT, "retention: {", f"retention: {{{area}: 0s, " if area != "landing" else "retention: {")
    ready.change(DEFAULT, "landing: 30d", "landing: 0s")
    ready.done("clean")
    assert ready.places("landing") == ready.places("staging") == ready.places("quarantine") == []
    assert len(prices_of(ready)) == 6


def test_the_quarantine_is_listed_by_run_with_what_is_wrong(ran: ProjectFolder) -> None:
    [row] = ran.json("quarantine", "list")
    assert (row["run"], row["source"], row["records"], row["released"]) == ("first", "prices", 2, 0)
    assert "close: " in row["why"]
    assert ran.json("quarantine", "list", "--source", "others") == []
    assert ran.done("quarantine", "list", "--source", "others") == "nothing is in quarantine\n"


def test_rejected_values_are_shown_masked(ran: ProjectFolder) -> None:
    shown = ran.done("quarantine", "show", "first")
    assert "221.03" not in shown
    assert "00000-2026-01-02.csv/00000.csv" in shown
    assert [row["row"] for row in ran.json("quarantine", "show", "first", "--limit", 1)] == [6]


def test_an_export_holds_the_full_records_for_its_owner_alone(ran: ProjectFolder) -> None:
    file = exported(ran)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(record["_finport_row"], record["symbol"], record["close"]) for record in records] == [
        (3, "IBM", "-221.0300"),
        (6, "SAP", "n.a."),
    ]
    assert "is there already" in ran.refused("quarantine", "show", "first", "prices", "--export", file)


def test_a_release_can_be_tried_before(ran: ProjectFolder) -> None:
    before = ran.places("")
    told = ran.done("quarantine", "release", "first", "prices", "--file", repaired(ran), "--dry-run")
    assert "2 record(s) of run first, source prices would be released as release-" in told
    assert ran.places("") == before


def test_records_repaired_as_csv_come_in_too(ran: ProjectFolder) -> None:
    ran.done("quarantine", "release", "first", "prices", "--file", repaired(ran, "repair.csv"))
    assert prices_of(ran) == {
        "AAPL": "243.8500",
        "MSFT": "418.5800",
        "ORCL": "166.0300",
        "AMZN": "220.2200",
        "IBM": "221.0300",
        "SAP": "271.5500",
    }


def test_released_records_keep_the_types_of_the_dataset(ran: ProjectFolder) -> None:
    ran.done("quarantine", "release", "first", "prices", "--file", repaired(ran))
    volumes = {row["symbol"]: row["volume"] for row in ran.json("read", "closing-prices")}
    assert volumes["IBM"] == 3000
    assert volumes["SAP"] == 900


def test_releasing_twice_is_publishing_once(ran: ProjectFolder) -> None:
    file = repaired(ran)
    ran.done("quarantine", "release", "first", "prices", "--file", file)
    told = ran.done("quarantine", "release", "first", "prices", "--file", file)
    assert "were released before and are published" in told
    assert len(ran.json("read", "closing-prices")) == 6
    assert ran.json("quarantine", "list")[0]["released"] == 2


def test_a_record_cannot_be_released_again_by_another_file(ran: ProjectFolder) -> None:
    file = repaired(ran)
    whole = file.read_text().splitlines(keepends=True)
    file.write_text(whole[0])
    ran.done("quarantine", "release", "first", "prices", "--file", file)
    file.write_text("".join(whole))
    told = ran.refused("quarantine", "release", "first", "prices", "--file", file)
    assert "row 3 of landing/daily/prices/first" in told
    assert "is published already" in told
    file.write_text(whole[1])
    ran.done("quarantine", "release", "first", "prices", "--file", file)
    assert len(ran.json("read", "closing-prices")) == 6


def test_records_that_are_still_wrong_go_to_quarantine_again(ran: ProjectFolder) -> None:
    file = exported(ran)
    file.write_text(file.read_text().replace("-221.0300", "221.03"))
    ran.done("quarantine", "release", "first", "prices", "--file", file)
    assert "IBM" in prices_of(ran)
    assert "SAP" not in prices_of(ran)
    assert len(ran.json("quarantine", "list")) == 2


def test_only_records_that_were_rejected_can_be_released(ran: ProjectFolder) -> None:
    file = repaired(ran)
    file.write_text(file.read_text().replace('"_finport_row": 3', '"_finport_row": 4'))
    told = ran.refused("quarantine", "release", "first", "prices", "--file", file)
    assert "row 4 of landing/daily/prices/first/00000-2026-01-02.csv/00000.csv is not in quarantine" in told


def test_a_release_does_not_move_an_increment_back(ready: ProjectFolder) -> None:
    ready.write(PRICES, SOURCE + "  incremental: {field: date}\n")
    ready.done("ingest", "prices", "--run-id", "first")
    ready.deliver("2026-01-05.csv", "symbol,date,close,volume\nAAPL,2026-01-05,245.00,10\n")
    ready.done("ingest", "prices", "--run-id", "second")
    ready.done("quarantine", "release", "first", "prices", "--file", repaired(ready))
    ready.deliver("2026-01-06.csv", "symbol,date,close,volume\nAAPL,2026-01-03,1,10\nAAPL,2026-01-06,246.00,10\n")
    ready.done("ingest", "prices", "--run-id", "third")
    dates = [row["date"] for row in ready.json("read", "closing-prices") if row["symbol"] == "AAPL"]
    assert dates == ["2026-01-02", "2026-01-05", "2026-01-06"]


@pytest.mark.parametrize("run", ["second", "first-of-all"])
def test_a_run_without_rejects_is_refused(ran: ProjectFolder, run: str) -> None:
    assert f"no run called '{run}' has records" in ran.refused("quarantine", "show", run)


def test_a_replay_uses_the_landed_bytes_and_todays_rules(ran: ProjectFolder) -> None:
    ran.change(PRICES, "nullable: false, minimum: 0}", "nullable: false, minimum: 200}")
    for path in (ran.folder / "drop").iterdir():
        path.unlink()
    told = ran.json("replay", "first")
    assert told["status"] == "succeeded"
    assert sorted(prices_of(ran)) == ["AAPL", "AMZN", "MSFT"]


def test_a_run_of_a_dag_for_each_source_is_replayed_whatever_the_layout_is_by_now(ready: ProjectFolder) -> None:
    layout = "  timeout: 1h\n  layout: dag-per-source"
    ready.change("include/configs/workflows/daily.yaml", "  timeout: 1h", layout)
    ready.done("ingest", "prices", "--run-id", "first")
    ready.change("include/configs/workflows/daily.yaml", layout, "  timeout: 1h")
    assert ready.json("replay", "first")["workflow"] == "daily--prices"
    ready.done("quarantine", "release", "first", "prices", "--file", repaired(ready))
    assert len(prices_of(ready)) == 6


def test_a_replay_can_be_tried_before(ran: ProjectFolder) -> None:
    told = ran.done("replay", "first", "--dry-run")
    assert "dry run: 1 landed part(s) of first would be replayed" in told


def test_what_was_not_landed_cannot_be_replayed(ran: ProjectFolder) -> None:
    ran.done("ingest", "prices", "--run-id", "unchanged")
    told = ran.refused("replay", "unchanged")
    assert "run unchanged has nothing of prices in the landing area" in told
    assert "has no source others" in ran.refused("replay", "first", "--source", "others")


def test_clean_says_before_what_it_would_remove(ran: ProjectFolder) -> None:
    ran.change(DEFAULT, "landing: 30d", "landing: 0s, staging: 0s")
    before = ran.places("")
    rows = {row["what"]: row for row in ran.json("clean", "--dry-run")}
    assert rows["landing"]["count"] == rows["staging"]["count"] == 1
    assert rows["landing"]["files"] == len(ran.places("landing"))
    assert "quarantine" not in rows
    assert ran.places("") == before
    assert "would be removed" in ran.done("clean", "--dry-run")


def test_clean_leaves_what_is_young(ran: ProjectFolder) -> None:
    before = ran.places("")
    assert ran.done("clean") == "nothing is too old\n"
    assert ran.places("") == before


def test_clean_keeps_what_an_open_run_needs(ran: ProjectFolder) -> None:
    ran.change(DEFAULT, "landing: 30d", "landing: 0s, staging: 0s")
    reopen(ran, "first")
    before = ran.places("")
    ran.done("clean")
    assert ran.places("") == before


def test_clean_keeps_all_of_a_source_whose_document_is_wrong(ran: ProjectFolder) -> None:
    ran.change(DEFAULT, "landing: 30d", "landing: 0s")
    ran.change(PRICES, "  owner:", "  ownr:")
    before = ran.places("landing")
    rows = {row["what"]: row for row in ran.json("clean")}
    assert "kept: its documents have mistakes" in rows["landing"]["note"]
    assert ran.places("landing") == before


def test_clean_never_touches_the_current_snapshot(ran: ProjectFolder) -> None:
    ran.change(DEFAULT, "landing: 30d", "snapshots: 0s, ledger: 0s")
    ran.json("ingest", "prices", "--force")
    ran.json("clean")
    assert sorted(prices_of(ran)) == ["AAPL", "AMZN", "MSFT", "ORCL"]
    assert ran.json("runs") == []


def test_clean_counts_the_tokens_that_nobody_renewed(ran: ProjectFolder) -> None:
    url = f"sqlite:///{ran.folder / '.finport/state.db'}"
    State(url, HandClock(datetime(2024, 1, 1, tzinfo=UTC))).tokens.keep("forgotten", b"sealed", after=0)
    State(url, SystemClock()).tokens.keep("used", b"sealed", after=0)
    (row,) = ran.json("clean")
    assert (row["what"], row["count"]) == ("ledger", 0)
    assert row["note"].endswith("0 events, 1 tokens")
    assert ran.done("clean") == "nothing is too old\n"


def test_reset_asks_for_a_yes(ran: ProjectFolder) -> None:
    assert "Fix: add --yes to do it" in ran.refused("reset")
    assert ran.places("store")


def test_reset_leaves_nothing_of_earlier_runs(ran: ProjectFolder) -> None:
    ran.done("reset", "--yes")
    assert ran.places("") == []
    assert ran.json("runs") == []
    assert ran.json("ingest", "prices")["status"] == "succeeded"


def test_reset_refuses_a_shared_state(ran: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FINPORT_STATE", "postgresql://finport:secret@127.0.0.1:1/finport")
    told = ran.refused("reset", "--yes")
    assert "which others may use" in told
    assert "secret" not in told
    assert ran.places("store")


def test_nothing_dead_is_nothing_to_recover(ran: ProjectFolder) -> None:
    assert ran.done("recover") == "no dead run has anything open\n"
    assert ran.json("recover") == []


def test_what_a_dead_run_left_is_settled(ran: ProjectFolder) -> None:
    reopen(ran, "first")
    [settled] = ran.json("recover")
    assert (settled["run_id"], settled["source"], settled["status"]) == ("first", "prices", "succeeded")
    assert ran.json("recover") == []


def reopen(project: ProjectFolder, run_id: str) -> None:
    """Make the ledger as it is when a run's process was killed after it published, before it said so."""
    import sqlite3

    with sqlite3.connect(project.folder / ".finport/state.db") as state:
        state.execute("UPDATE finport_runs SET ended_at = NULL, status = 'running' WHERE run_id = ?", [run_id])
        state.execute("UPDATE finport_sagas SET closed_at = NULL, status = 'running' WHERE run_id = ?", [run_id])
