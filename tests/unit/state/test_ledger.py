"""Runs and their steps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.step import Phase
from tests.unit.state.parts import (
    DATASET,
    MONDAY,
    SOURCE,
    HandClock,
    begin,
    open_run,
    publication,
    run_key,
    step_key,
)


def test_the_first_plan_of_a_run_wins(state: State) -> None:
    run = run_key()
    assert state.pinned_plan(run) is None
    assert state.pin_plan(run, b'{"plan": 1}', "digest-1") == b'{"plan": 1}'
    assert state.pin_plan(run, b'{"plan": 2}', "digest-2") == b'{"plan": 1}'
    assert state.pinned_plan(run) == b'{"plan": 1}'
    assert state.pin_plan(run_key("run-2"), b'{"plan": 2}', "digest-2") == b'{"plan": 2}'


def test_a_run_keeps_its_first_start_until_it_is_restarted(state: State, clock: HandClock) -> None:
    run = open_run(state)
    later = MONDAY + timedelta(hours=1)
    assert state.open_run(run, trigger="manual", flags={}, driver="airflow", started_at=later) == MONDAY
    clock.advance(hours=5)
    assert state.restart_run(run) == clock.now()
    assert state.open_run(run, trigger="manual", flags={}, driver="airflow", started_at=MONDAY) == clock.now()


def test_the_first_end_of_a_run_counts(state: State, clock: HandClock) -> None:
    run = open_run(state)
    state.close_run(run, "failed")
    ended = clock.now()
    clock.advance(hours=1)
    state.close_run(run, "succeeded")
    found = state.run("run-1")
    assert (found.status, found.ended_at) == ("failed", ended)


def test_work_opens_a_closed_run_again(state: State) -> None:
    run = open_run(state)
    state.close_run(run, "failed")
    begin(state, step_key(run))
    assert (state.run("run-1").status, state.run("run-1").ended_at) == ("running", None)
    state.close_run(run, "succeeded")
    assert state.run("run-1").status == "succeeded"


def test_a_step_keeps_what_it_reported(state: State, clock: HandClock) -> None:
    step = begin(state, step_key(open_run(state), "collect", phase=Phase.BATCH, batch=3), try_number=2)
    clock.advance(seconds=5)
    result = StepResult(items=2, rows_read=10, rows_passed=9, rows_quarantined=1, score=99.5, notes=("one page late",))
    state.finish_step(step, result)
    (row,) = state.steps("run-1")
    assert row.result == result
    assert (row.step, row.phase, row.batch, row.try_number, row.status) == ("collect", Phase.BATCH, 3, 2, "succeeded")
    assert (row.started_at, row.ended_at) == (MONDAY, clock.now())


def test_finishing_a_step_twice_changes_nothing(state: State, clock: HandClock) -> None:
    step = begin(state, step_key(open_run(state)))
    state.finish_step(step, StepResult(rows_read=1, publication=publication()))
    ended = clock.now()
    clock.advance(minutes=1)
    state.finish_step(step, StepResult(rows_read=1, publication=publication()))
    (row,) = state.steps("run-1")
    assert row.ended_at == ended
    assert row.commit == "1"
    assert state.published_at(SOURCE, DATASET) == ended


def test_a_step_that_is_begun_again_forgets_its_earlier_end_but_not_its_story(state: State) -> None:
    step = begin(state, step_key(open_run(state)))
    state.fail_step(step, "SourceUnavailable", "no answer", final=False)
    state.record_decision(step, "tried again in 10 s: no answer is a passing thing")
    assert [(row.status, row.reason) for row in state.steps("run-1")] == [("retrying", "no answer")]
    begin(state, step, try_number=2)
    (row,) = state.steps("run-1")
    assert (row.status, row.reason, row.ended_at, row.try_number) == ("running", None, None, 2)
    assert [(note.kind, note.try_number) for note in row.notes] == [("failed", 1), ("decision", 1)]


def test_steps_stand_in_the_order_of_their_first_try(state: State) -> None:
    run = open_run(state)
    for name in ("connect", "collect", "connect", "store"):
        state.finish_step(begin(state, step_key(run, name)), StepResult())
    assert [row.step for row in state.steps("run-1")] == ["connect", "collect", "store"]


def test_a_skip_keeps_its_reason_whether_the_step_had_begun_or_not(state: State, clock: HandClock) -> None:
    run = open_run(state)
    state.skip_step(begin(state, step_key(run, "discover")), "nothing new")
    clock.advance(seconds=1)
    state.skip_step(step_key(run, "store"), "dry run")
    assert [(skip.step, skip.reason) for skip in state.skips()] == [("store", "dry run"), ("discover", "nothing new")]
    assert [row.status for row in state.steps("run-1")] == ["skipped", "skipped"]
    assert state.skips(source="another") == []


def test_a_source_that_is_skipped_as_a_whole_says_why(state: State) -> None:
    run = open_run(state)
    state.finish_source(run, SOURCE, DATASET, "skipped", "not selected")
    assert [(skip.source, skip.step, skip.reason) for skip in state.skips()] == [(SOURCE, "", "not selected")]
    assert [(one.source, one.status) for one in state.run("run-1").sources] == [(SOURCE, "skipped")]


def test_a_step_that_failed_to_begin_can_be_entered_as_failed(state: State) -> None:
    state.fail_step(step_key(open_run(state)), "LeaseHeld", "another run", final=False)
    assert [(row.status, row.error_kind) for row in state.steps("run-1")] == [("retrying", "LeaseHeld")]


def test_a_step_of_a_run_that_is_not_in_the_ledger_is_refused(state: State) -> None:
    with pytest.raises(PermanentError, match="not in the ledger"):
        begin(state, step_key(run_key("lost")))


def test_a_step_cannot_end_that_never_began(state: State) -> None:
    with pytest.raises(PermanentError, match="no beginning"):
        state.finish_step(step_key(open_run(state)), StepResult())


def test_checkpoints_survive_a_retry_and_belong_to_their_run(state: State) -> None:
    step = begin(state, step_key(open_run(state)))
    assert state.load_checkpoint(step, "page") is None
    state.save_checkpoint(step, "page", {"next": 7})
    state.save_checkpoint(step, "page", {"next": 8})
    state.fail_step(step, "SourceUnavailable", "no answer", final=False)
    begin(state, step, try_number=2)
    assert state.load_checkpoint(step, "page") == {"next": 8}
    assert state.load_checkpoint(step_key(open_run(state, "run-2")), "page") is None


def test_reset_leaves_nothing(state: State) -> None:
    state.finish_step(begin(state, step_key(open_run(state))), StepResult(publication=publication()))
    state.reset()
    assert state.runs() == []
    assert state.fingerprints(SOURCE, DATASET) == {}
    state.check()
