"""Events from the outbox to their relays: at least once, in order for each subject."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from finport_ingestion.engine.errors import LeaseHeld
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import (
    DATASET,
    ELSEWHERE,
    SOURCE,
    ClosedRelay,
    FileRelay,
    HandClock,
    begin,
    event,
    open_run,
    publication,
    step_key,
)
from tests.unit.state.worker import relay_all, started


@pytest.fixture
def relay(tmp_path: Path) -> FileRelay:
    return FileRelay(tmp_path / "sent.txt")


def test_an_event_is_written_with_the_state_it_tells_of_or_not_at_all(state: State, clock: HandClock) -> None:
    slow = begin(state, step_key(open_run(state)), actor=ELSEWHERE, seconds=60)
    clock.advance(hours=1)
    state.finish_source(slow.run, SOURCE, DATASET, "failed", "its time was over")
    with pytest.raises(LeaseHeld):
        state.finish_step(slow, StepResult(publication=publication()), [event(slow.run)])
    assert state.events("run-1") == []


def test_every_change_of_a_run_can_be_told(state: State) -> None:
    run = open_run(state)
    state.open_run(
        run,
        trigger="manual",
        flags={},
        driver="cli",
        started_at=run.run_after,
        events=[event(run, "ingestion.workflow.started", source=None, dataset=None)],
    )
    begin(state, step_key(run, "collect"))
    state.finish_step(step_key(run, "collect"), StepResult(), [event(run, "collection_completed")])
    begin(state, step_key(run, "convert"))
    state.fail_step(step_key(run, "convert"), "FormatError", "x", final=True, events=[event(run, "collection_failed")])
    state.skip_step(step_key(run, "store"), "dry run", [event(run, "format_converted")])
    state.finish_source(run, SOURCE, DATASET, "failed", "x", [event(run, "merge_completed")])
    ended = [event(run, "ingestion.workflow.failed", source=None, dataset=None)]
    state.close_run(run, "failed", ended)
    state.close_run(run, "failed", ended)
    assert [row.type.removeprefix("io.finport.") for row in state.events("run-1")] == [
        "ingestion.workflow.started",
        "collection_completed",
        "collection_failed",
        "format_converted",
        "merge_completed",
        "ingestion.workflow.failed",
    ]


def test_the_same_fact_is_written_and_sent_once(state: State, relay: FileRelay) -> None:
    run = open_run(state)
    state.announce([event(run)], run)
    relay_pending(state, {"log": relay})
    state.announce([event(run)], run)
    assert relay_pending(state, {"log": relay}).sent == {"log": 0}
    assert relay.sent() == [event(run).id]


def test_more_events_than_a_batch_are_all_sent_in_order(state: State, relay: FileRelay) -> None:
    run = open_run(state)
    events = [event(run, batch=number) for number in range(250)]
    state.announce(events, run)
    report = relay_pending(state, {"log": relay})
    assert (report.sent, report.failed) == ({"log": 250}, {})
    assert relay.sent() == [one.id for one in events]
    assert state.backlog() == {}


def test_a_relay_that_fails_loses_nothing_and_holds_up_no_other(state: State, relay: FileRelay, tmp_path: Path) -> None:
    run = open_run(state)
    events = [event(run, batch=number, relays=("log", "redis_streams")) for number in range(30)]
    state.announce(events, run)
    closed = ClosedRelay(tmp_path / "half.txt", after=4)
    for expected in ({"redis_streams": 0, "log": 30}, {"redis_streams": 0, "log": 0}):
        report = relay_pending(state, {"redis_streams": closed, "log": relay}, limit=10)
        assert (report.sent, report.failed) == (expected, {"redis_streams": "the other side is closed."})
    first = state.events("run-1")[0].deliveries
    assert [(one.relay, one.attempts, one.last_error) for one in first] == [
        ("log", 1, None),
        ("redis_streams", 2, "the other side is closed."),
    ]
    mended = FileRelay(tmp_path / "half.txt")
    assert relay_pending(state, {"redis_streams": mended}).sent == {"redis_streams": 30}
    # What the closed one had got through came again: at least once, known by its id.
    assert mended.sent() == [one.id for one in events[:4]] * 2 + [one.id for one in events]


def test_events_wait_for_a_relay_that_nobody_runs(state: State, relay: FileRelay) -> None:
    run = open_run(state)
    state.announce([event(run, relays=("log", "kafka"))], run)
    relay_pending(state, {"log": relay})
    assert state.backlog() == {"kafka": 1}


def test_a_claimed_event_comes_again_when_its_relay_died(state: State, relay: FileRelay, clock: HandClock) -> None:
    run = open_run(state)
    state.announce([event(run)], run)
    assert len(state.claim_events("log", 10)) == 1
    assert relay_pending(state, {"log": relay}).sent == {"log": 0}
    clock.advance(seconds=61)
    assert relay_pending(state, {"log": relay}).sent == {"log": 1}


def test_a_subject_that_one_relay_has_in_hand_is_left_to_it(state: State) -> None:
    run = open_run(state)
    state.announce([event(run, batch=1)], run)
    first = state.claim_events("log", 10)
    state.announce([event(run, batch=2), event(run, dataset="prices")], run)
    assert [one.subject for one in state.claim_events("log", 10)] == ["prices"]
    state.confirm_events("log", first)
    assert [one.subject for one in state.claim_events("log", 10)] == [DATASET]


def test_relays_in_several_processes_send_each_event_once_and_in_order(
    state: State, state_url: str, tmp_path: Path
) -> None:
    run = open_run(state)
    sent = {
        dataset: [event(run, dataset=dataset, batch=number).id for number in range(20)] for dataset in ("a", "b", "c")
    }
    for number in range(20):
        state.announce([event(run, dataset=dataset, batch=number) for dataset in sent], run)
    with started(*(relay_all(state_url, tmp_path / "sent", limit=limit) for limit in (3, 4, 5))) as relays:
        assert [process.said() for process in relays] == ["done"] * 3
    found: dict[str, list[str]] = defaultdict(list)
    for line in (tmp_path / "sent").read_text().splitlines():
        dataset, event_id = line.split()
        found[dataset].append(event_id)
    assert found == sent


def test_an_error_that_is_long_is_kept_short(state: State) -> None:
    run = open_run(state)
    state.announce([event(run)], run)
    state.return_events("log", state.claim_events("log", 10), "x" * 5000)
    assert len(state.events("run-1")[0].deliveries[0].last_error or "") == 500


def test_the_events_of_one_moment_keep_their_order(state: State, relay: FileRelay, clock: HandClock) -> None:
    run = open_run(state)
    ids = []
    for number in (3, 1, 2):
        one = event(run, batch=number)
        state.announce([one], run)
        ids.append(one.id)
        clock.moment -= timedelta(seconds=1)  # a clock that is put back
    relay_pending(state, {"log": relay})
    assert relay.sent() == ids
