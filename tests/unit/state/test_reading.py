"""What a person may ask."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import (
    DATASET,
    MONDAY,
    SOURCE,
    HandClock,
    begin,
    event,
    open_run,
    publication,
    publish,
    run_key,
    step_key,
)


def open_at(state: State, clock: HandClock, run_id: str, workflow: str = "nightly") -> None:
    clock.advance(minutes=1)
    key = run_key(run_id, workflow)
    state.open_run(key, trigger="manual", flags={"dry_run": True}, driver="cli", started_at=clock.now())


def test_the_latest_runs_come_first(state: State, clock: HandClock) -> None:
    for number in range(4):
        open_at(state, clock, f"run-{number}", "nightly" if number % 2 else "hourly")
    assert [run.key.run_id for run in state.runs(limit=3)] == ["run-3", "run-2", "run-1"]
    assert [run.key.run_id for run in state.runs(workflow="hourly")] == ["run-2", "run-0"]


def test_a_run_tells_how_it_was_started(state: State, clock: HandClock) -> None:
    state.pin_plan(run_key(), b"{}", "digest")
    open_at(state, clock, "run-1")
    run = state.run("run-1")
    assert (run.trigger, run.flags, run.driver, run.plan) == ("manual", {"dry_run": True}, "cli", "digest")
    assert (run.key, run.started_at, run.ended_at) == (run_key(), clock.now(), None)


def test_a_run_is_found_by_the_beginning_of_its_id(state: State, clock: HandClock) -> None:
    open_at(state, clock, "manual__2026-01-05T06:00")
    open_at(state, clock, "manual__2026-01-06T06:00")
    open_at(state, clock, "manual")
    assert state.run("manual__2026-01-05").key.run_id == "manual__2026-01-05T06:00"
    assert state.run("manual").key.run_id == "manual"
    assert state.run("nightly/manual__2026-01-06").key.run_id == "manual__2026-01-06T06:00"


def test_a_name_that_several_runs_have_is_refused_with_their_names(state: State, clock: HandClock) -> None:
    open_at(state, clock, "scheduled__1", "hourly")
    open_at(state, clock, "scheduled__1", "nightly")
    with pytest.raises(PermanentError, match=r"several runs.*nightly/scheduled__1, hourly/scheduled__1"):
        state.run("scheduled__1")
    assert state.run("hourly/scheduled__1").key.workflow == "hourly"


def test_a_name_that_no_run_has_is_refused_with_the_nearest(state: State, clock: HandClock) -> None:
    with pytest.raises(PermanentError, match="nothing has run yet"):
        state.run("run-1")
    open_at(state, clock, "manual__2026-01-05")
    open_at(state, clock, "scheduled__2026-01-05")
    with pytest.raises(PermanentError, match="known: manual__2026-01-05"):
        state.run("manual_2026-01-05")
    with pytest.raises(PermanentError, match="no run is called 'manual%'"):
        state.run("manual%")
    with pytest.raises(PermanentError, match="no run is called 'MANUAL'"):
        state.run("MANUAL")


def test_every_source_stands_with_its_last_run_and_its_last_publication(state: State, clock: HandClock) -> None:
    first = open_run(state, "run-1")
    publish(state, first, publication("1", row_count=250))
    state.finish_source(first, SOURCE, DATASET, "succeeded")
    clock.advance(days=1)
    second = open_run(state, "run-2")
    state.fail_step(begin(state, step_key(second)), "AccessDenied", "wrong password", final=True)
    state.finish_source(second, SOURCE, DATASET, "failed", "wrong password")
    state.finish_source(second, "vendor", "prices", "skipped", "not selected")
    custodian, vendor = state.sources_overview()
    assert (custodian.source, custodian.run_id, custodian.status) == (SOURCE, "run-2", "failed")
    assert (custodian.reason, custodian.ran_at) == ("wrong password", clock.now())
    assert (custodian.published_at, custodian.commit, custodian.row_count) == (MONDAY, "1", 250)
    assert (vendor.source, vendor.status, vendor.published_at) == ("vendor", "skipped", None)


def test_the_events_of_a_run_are_listed_with_what_became_of_them(state: State) -> None:
    run = open_run(state)
    told = event(run, "collection_completed", relays=("log", "redis_streams"))
    state.finish_step(begin(state, step_key(run)), StepResult(), [told])
    state.announce([event(open_run(state, "run-2"))])
    state.confirm_events("log", state.claim_events("log", 10))
    (row,) = state.events("run-1")
    assert (row.id, row.type, row.subject, row.facts["run_id"]) == (told.id, told.type, DATASET, "run-1")
    assert [(one.relay, one.sent_at is not None, one.attempts) for one in row.deliveries] == [
        ("log", True, 1),
        ("redis_streams", False, 0),
    ]
