"""What dead runs left open, and taking it back."""

from __future__ import annotations

from finport_ingestion.engine.records import StepResult
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
    item,
    open_run,
    publication,
    publish,
    step_key,
)


def test_a_saga_lists_what_was_done_in_order(state: State) -> None:
    run = open_run(state)
    for name in ("connect", "collect"):
        state.finish_step(begin(state, step_key(run, name)), StepResult())
    state.finish_step(begin(state, step_key(run, "convert", phase=Phase.BATCH, batch=1)), StepResult())
    publish(state, run, publication("7"))
    begin(state, step_key(run, "report"))
    (saga,) = state.open_sagas()
    assert [(step.name, step.phase, step.batch, step.commit) for step in saga.done] == [
        ("connect", Phase.RUN, None, None),
        ("collect", Phase.RUN, None, None),
        ("convert", Phase.BATCH, 1, None),
        ("store", Phase.RUN, None, "7"),
    ]
    assert [worker.actor for worker in saga.workers] == [ME]
    assert (saga.run, saga.source, saga.dataset) == (run, SOURCE, DATASET)


def test_sagas_are_found_by_workflow_and_by_source(state: State) -> None:
    begin(state, step_key(open_run(state, workflow="nightly")))
    begin(state, step_key(open_run(state, workflow="hourly"), source="vendor"))
    assert {saga.source for saga in state.open_sagas()} == {SOURCE, "vendor"}
    assert [saga.source for saga in state.open_sagas(workflow="hourly")] == ["vendor"]
    assert [saga.run.workflow for saga in state.open_sagas(source=SOURCE)] == ["nightly"]


def test_a_saga_is_alive_while_somebody_may_be_at_work(state: State, clock: HandClock) -> None:
    begin(state, step_key(open_run(state, driver=Driver.AIRFLOW)), actor=ELSEWHERE, seconds=60)
    (saga,) = state.open_sagas()
    assert not saga.is_dead(clock.now())
    assert saga.is_dead(clock.advance(minutes=4))


def test_a_saga_of_a_closed_run_is_dead(state: State, clock: HandClock) -> None:
    run = open_run(state, driver=Driver.AIRFLOW)
    state.finish_step(begin(state, step_key(run)), StepResult())
    assert not state.open_sagas()[0].is_dead(clock.now())
    state.close_run(run, "failed")
    assert state.open_sagas()[0].is_dead(clock.now())


def test_a_bad_source_leaves_the_good_one_of_its_run_alone(state: State) -> None:
    run = open_run(state)
    publish(state, run, publication())
    state.finish_source(run, SOURCE, DATASET, "succeeded")
    step = begin(state, step_key(run, source="vendor"))
    state.fail_step(step, "AccessDenied", "wrong password", final=True)
    state.finish_source(run, "vendor", DATASET, "failed", "wrong password")
    assert [(one.source, one.status, one.reason) for one in state.run("run-1").sources] == [
        (SOURCE, "succeeded", None),
        ("vendor", "failed", "wrong password"),
    ]
    assert state.open_sagas() == []
    assert list(state.fingerprints(SOURCE, DATASET)) == ["a.csv"]


def test_compensation_is_entered_and_what_stood_before_holds_again(state: State, clock: HandClock) -> None:
    before = open_run(state, "run-0")
    publish(state, before, publication("1", item("a.csv", "1"), run_id="run-0"))
    state.finish_source(before, SOURCE, DATASET, "succeeded")
    published = clock.now()
    clock.advance(days=1)
    run = open_run(state, "run-1")
    publish(state, run, publication("2", item("a.csv", "2"), item("b.csv", "2"), run_id="run-1"))
    begin(state, step_key(run, "report"), seconds=60)
    clock.advance(hours=1)
    (saga,) = state.open_sagas()
    assert saga.is_dead(clock.now())

    assert state.forget_publication(SOURCE, DATASET, "run-1") == 1
    state.mark_compensated(saga, "store", "snapshot 2 was retracted")
    state.finish_source(saga.run, saga.source, saga.dataset, "failed", "its process ended")

    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv", "1")}
    assert state.published_at(SOURCE, DATASET) == published
    assert state.dataset_updated_at(DATASET) == published
    steps = {row.step: row for row in state.steps("run-1")}
    assert steps["store"].compensated_at == clock.now()
    assert (steps["report"].status, steps["report"].error_kind) == ("failed", "Abandoned")
    assert [note.text for note in state.source_notes("run-1")[SOURCE]] == ["snapshot 2 was retracted"]
    assert state.open_sagas() == []
    assert state.forget_publication(SOURCE, DATASET, "run-1") == 0


def test_a_source_that_is_closed_while_a_batch_is_at_work_lets_it_end(state: State) -> None:
    run = open_run(state)
    batch = begin(state, step_key(run, "collect", phase=Phase.BATCH, batch=1), actor=ME)
    state.finish_source(run, SOURCE, DATASET, "failed", "batch 0 failed")
    assert state.steps("run-1")[0].status == "running"
    state.finish_step(batch, StepResult(rows_read=5))
    assert state.steps("run-1")[0].status == "succeeded"


def test_a_cleared_source_goes_on_in_the_same_saga(state: State, clock: HandClock) -> None:
    run = open_run(state)
    step = begin(state, step_key(run))
    state.fail_step(step, "AccessDenied", "wrong password", final=True)
    state.finish_source(run, SOURCE, DATASET, "failed", "wrong password")
    state.close_run(run, "failed")
    clock.advance(hours=1)
    state.restart_run(run)
    begin(state, step, try_number=2)
    state.finish_step(step, StepResult(publication=publication()))
    state.finish_source(run, SOURCE, DATASET, "succeeded")
    (outcome,) = state.run("run-1").sources
    assert (outcome.status, outcome.reason) == ("succeeded", None)
