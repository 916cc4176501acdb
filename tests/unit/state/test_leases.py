"""Who may work on a source and dataset, and when that passes to another run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from finport_ingestion.engine.errors import LeaseHeld
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.keys import Driver
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.step import Phase
from tests.unit.state.parts import (
    DATASET,
    ELSEWHERE,
    ME,
    SOURCE,
    HandClock,
    begin,
    open_run,
    publication,
    step_key,
)
from tests.unit.state.worker import begin_only, publish_many, started, stop_between


def test_a_second_run_is_told_who_holds_the_lease(state: State) -> None:
    begin(state, step_key(open_run(state, "run-1", workflow="nightly")))
    other = open_run(state, "run-2", workflow="hourly")
    with pytest.raises(LeaseHeld, match=r"custodian: nightly, run run-1, works on it into 'positions'"):
        begin(state, step_key(other))
    assert [saga.run.run_id for saga in state.open_sagas()] == ["run-1"]


def test_another_source_or_dataset_is_free(state: State) -> None:
    begin(state, step_key(open_run(state, "run-1")))
    other = open_run(state, "run-2")
    begin(state, step_key(other, source="vendor"))
    begin(state, step_key(open_run(state, "run-3"), dataset="prices"))


def test_the_same_run_renews_its_lease_and_its_batches_share_it(state: State) -> None:
    run = open_run(state)
    for batch in range(3):
        begin(state, step_key(run, "collect", phase=Phase.BATCH, batch=batch))
    begin(state, step_key(run, "collect", phase=Phase.BATCH, batch=0), try_number=2)


def test_a_run_of_the_same_id_in_another_workflow_is_another_run(state: State) -> None:
    begin(state, step_key(open_run(state, "scheduled-1", workflow="nightly")))
    with pytest.raises(LeaseHeld):
        begin(state, step_key(open_run(state, "scheduled-1", workflow="hourly")))


@pytest.mark.parametrize("status", ["succeeded", "failed", "skipped"])
def test_a_source_that_is_finished_frees_its_lease(state: State, status: str) -> None:
    run = open_run(state)
    state.finish_step(begin(state, step_key(run)), StepResult())
    state.finish_source(run, SOURCE, DATASET, status)
    begin(state, step_key(open_run(state, "run-2")))
    assert [saga.run.run_id for saga in state.open_sagas()] == ["run-2"]


def test_a_lease_expires_with_the_steps_time_and_some_grace(state: State, clock: HandClock) -> None:
    begin(state, step_key(open_run(state)), actor=ELSEWHERE, seconds=60)
    other = open_run(state, "run-2")
    clock.advance(seconds=60)
    with pytest.raises(LeaseHeld):
        begin(state, step_key(other))
    clock.advance(minutes=2)
    begin(state, step_key(other))
    abandoned, taken = state.open_sagas()
    assert (abandoned.run.run_id, abandoned.status, taken.run.run_id) == ("run-1", "abandoned", "run-2")


def test_one_living_batch_holds_the_lease_for_all(state: State, clock: HandClock) -> None:
    run = open_run(state)
    begin(state, step_key(run, "collect", phase=Phase.BATCH, batch=0), actor=ELSEWHERE, seconds=600)
    begin(state, step_key(run, "collect", phase=Phase.BATCH, batch=1), actor=ELSEWHERE, seconds=60)
    clock.advance(minutes=4)
    with pytest.raises(LeaseHeld):
        begin(state, step_key(open_run(state, "run-2")))


def test_between_two_tasks_the_lease_is_held_for_the_next(state: State, clock: HandClock) -> None:
    run = open_run(state, driver=Driver.AIRFLOW)
    state.finish_step(begin(state, step_key(run, "collect")), StepResult())
    other = open_run(state, "run-2", driver=Driver.AIRFLOW)
    with pytest.raises(LeaseHeld):
        begin(state, step_key(other, "collect"))
    clock.advance(minutes=31)
    begin(state, step_key(other, "collect"))


def test_a_run_that_was_closed_frees_what_nobody_is_seen_to_work_on(state: State) -> None:
    run = open_run(state, driver=Driver.AIRFLOW)
    begin(state, step_key(run, "collect"), actor=ELSEWHERE)
    state.close_run(run, "failed")
    begin(state, step_key(open_run(state, "run-2"), "collect"))
    assert state.open_sagas()[0].status == "abandoned"


def test_a_run_that_was_closed_keeps_what_a_living_process_works_on(state: State) -> None:
    run = open_run(state, driver=Driver.AIRFLOW)
    begin(state, step_key(run, "collect"), actor=ME)
    state.close_run(run, "failed")
    with pytest.raises(LeaseHeld):
        begin(state, step_key(open_run(state, "run-2"), "collect"))


def test_what_a_lost_step_stored_is_entered_until_its_run_is_settled(state: State, clock: HandClock) -> None:
    slow = begin(state, step_key(open_run(state)), actor=ELSEWHERE, seconds=60)
    clock.advance(minutes=10)
    begin(state, step_key(open_run(state, "run-2")))
    state.finish_step(slow, StepResult(publication=publication()))
    assert list(state.fingerprints(SOURCE, DATASET)) == ["a.csv"]
    with pytest.raises(LeaseHeld):
        begin(state, step_key(slow.run, "report"))


def test_a_step_cannot_enter_what_it_stored_once_its_run_is_settled(state: State, clock: HandClock) -> None:
    slow = begin(state, step_key(open_run(state)), actor=ELSEWHERE, seconds=60)
    clock.advance(minutes=10)
    state.finish_source(slow.run, SOURCE, DATASET, "failed", "its time was over")
    with pytest.raises(LeaseHeld, match="was settled"):
        state.finish_step(slow, StepResult(publication=publication()))
    assert state.fingerprints(SOURCE, DATASET) == {}
    begin(state, slow, try_number=2)
    state.finish_step(slow, StepResult(publication=publication(already_there=True)))
    assert list(state.fingerprints(SOURCE, DATASET)) == ["a.csv"]


def test_a_process_killed_in_a_step_frees_its_lease_at_once(state: State, state_url: str, clock: HandClock) -> None:
    with started(begin_only(state_url, clock)) as (process,):
        assert process.said() == "begun"
        other = open_run(state, "run-2")
        with pytest.raises(LeaseHeld):
            begin(state, step_key(other))
        assert not state.open_sagas()[0].is_dead(clock.now())
        process.kill()
        assert state.open_sagas()[0].is_dead(clock.now())
        begin(state, step_key(other))
    dead, _ = state.open_sagas()
    assert (dead.run.run_id, dead.status) == ("run-1", "abandoned")
    assert "ended in the middle of a step" in (dead.reason or "")
    assert [note.kind for note in state.source_notes("run-1")[SOURCE]] == ["abandoned"]


@pytest.mark.parametrize(("driver", "is_free"), [(Driver.CLI, True), (Driver.AIRFLOW, False)])
def test_a_process_killed_between_steps_is_the_end_of_a_run_only_where_it_does_the_whole_run(
    state: State, state_url: str, clock: HandClock, driver: Driver, is_free: bool
) -> None:
    with started(stop_between(state_url, clock, driver=driver)) as (process,):
        assert process.said() == "ended"
        assert not state.open_sagas()[0].is_dead(clock.now())
    assert state.open_sagas()[0].is_dead(clock.now()) is is_free
    other = step_key(open_run(state, "run-2"))
    if is_free:
        begin(state, other)
    else:
        with pytest.raises(LeaseHeld):
            begin(state, other)


def test_processes_that_compete_publish_one_after_the_other(state: State, state_url: str) -> None:
    count, names = 6, ("one", "two", "three")
    with started(*(publish_many(state_url, name, count=count) for name in names)) as workers:
        assert [process.said() for process in workers] == ["done"] * len(names)
    assert len(state.fingerprints(SOURCE, DATASET)) == count * len(names)
    assert state.open_sagas() == []
    assert {run.sources[0].status for run in state.runs(limit=100)} == {"succeeded"}


def test_this_process_lives_and_an_ended_one_does_not() -> None:
    assert ME.runs() is True
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert replace(ME, pid=ended.pid).runs() is False


def test_a_process_of_the_same_number_is_not_the_same_process() -> None:
    assert replace(ME, process_start=ME.process_start + "0").runs() is False


def test_of_another_host_nothing_is_known() -> None:
    assert replace(ME, host="another.host.example").runs() is None


def test_of_another_pid_namespace_nothing_is_known() -> None:
    boot, _, started = ME.process_start.split(" ")
    assert replace(ME, process_start=f"{boot} pid:[1] {started}").runs() is None


def test_a_machine_that_was_started_again_has_none_of_its_old_processes() -> None:
    _, namespace, started = ME.process_start.split(" ")
    assert replace(ME, process_start=f"another-boot {namespace} {started}").runs() is False


def test_the_actor_of_a_process_stays_the_same() -> None:
    assert Actor.current() == ME
