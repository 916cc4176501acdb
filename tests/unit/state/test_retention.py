"""What pruning removes, and what it never does."""

from __future__ import annotations

from datetime import timedelta

from finport_ingestion.engine.auth.vault import Kept
from finport_ingestion.engine.records import Publication, Replaces, Watermark
from finport_ingestion.engine.state.retention import Pruned
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import (
    DATASET,
    MONDAY,
    SOURCE,
    HandClock,
    begin,
    event,
    item,
    open_run,
    publication,
    publish,
    step_key,
)

NOTHING = Pruned(runs=0, steps=0, publications=0, events=0, plans=0, tokens=0)


def publish_days(state: State, clock: HandClock, *commits: Publication) -> None:
    """A commit a day, each by a run of its own that ends well."""
    for number, commit in enumerate(commits, start=1):
        run = open_run(state, f"run-{number}")
        state.pin_plan(run, b"{}", f"plan-{number}")
        publish(state, run, commit, events=[event(run)])
        state.finish_source(run, SOURCE, DATASET, "succeeded")
        state.close_run(run, "succeeded")
        clock.advance(days=1)


def test_old_runs_go_with_all_that_is_theirs(state: State, clock: HandClock) -> None:
    publish_days(state, clock, *(publication(str(n), item("a.csv", str(n)), run_id=f"run-{n}") for n in (1, 2, 3)))
    state.confirm_events("log", state.claim_events("log", 10))
    before = MONDAY + timedelta(days=1, hours=12)
    expected = Pruned(runs=2, steps=2, publications=1, events=3, plans=2, tokens=0)
    assert state.prune(before, dry_run=True) == expected
    assert len(state.runs()) == 3
    assert state.prune(before) == expected
    assert [run.key.run_id for run in state.runs()] == ["run-3"]
    assert state.prune(before) == NOTHING
    assert state.pinned_plan(open_run(state, "run-3")) == b"{}"


def test_what_holds_now_and_what_held_before_a_late_publication_is_kept(state: State, clock: HandClock) -> None:
    mark = Watermark(field="f", value="1", type="integer")
    publish_days(
        state,
        clock,
        publication("1", item("old.csv"), replaces=Replaces.NOTHING, watermark=mark),
        publication("2", item("a.csv", "2"), replaces=Replaces.SOURCE, watermark=mark),
        publication("3", item("a.csv", "3"), item("b.csv", "3")),
        publication("4", item("a.csv", "4")),
        publication("5", item("a.csv", "5"), item("b.csv", "5"), run_id="run-5"),
    )
    now = state.fingerprints(SOURCE, DATASET)
    assert state.prune(MONDAY + timedelta(days=3, hours=12)).publications == 1
    assert state.fingerprints(SOURCE, DATASET) == now
    state.forget_publication(SOURCE, DATASET, "run-5")
    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv", "4"), "b.csv": item("b.csv", "3")}
    assert state.watermark(SOURCE, DATASET) == mark


def test_open_sagas_are_kept_with_their_run_and_what_they_published(state: State, clock: HandClock) -> None:
    run = open_run(state)
    publish(state, run, publication("1", item("a.csv")))
    publish(state, run, publication("2", item("a.csv", "2")))
    state.close_run(run, "failed")
    clock.advance(days=900)
    state.confirm_events("log", state.claim_events("log", 10))
    assert state.prune(clock.now()) == NOTHING
    assert [saga.run for saga in state.open_sagas()] == [run]


def test_events_that_were_not_sent_to_all_their_relays_are_kept(state: State, clock: HandClock) -> None:
    run = open_run(state)
    state.announce([event(run, "collection_started", relays=("log", "redis_streams"))])
    state.announce([event(run, "collection_completed", relays=("log",))])
    state.announce([event(run, "collection_failed", relays=())])
    state.confirm_events("log", state.claim_events("log", 10))
    clock.advance(days=900)
    assert state.prune(clock.now()).events == 2
    assert state.backlog() == {"redis_streams": 1}


def test_a_run_that_works_is_kept_and_one_that_was_forgotten_goes(state: State, clock: HandClock) -> None:
    begin(state, step_key(open_run(state)))
    open_run(state, "forgotten")
    clock.advance(days=1)
    assert state.prune(clock.now()).runs == 0
    clock.advance(days=7)
    assert state.prune(clock.now()).runs == 1
    assert [run.key.run_id for run in state.runs()] == ["run-1"]


def test_tokens_that_nobody_renewed_go_after_more_than_a_year_however_short_the_retention(
    state: State, clock: HandClock
) -> None:
    state.tokens.keep("yearly", b"sealed", after=0)
    clock.advance(days=1)
    state.tokens.keep("renewed", b"sealed", after=0)
    clock.advance(days=399)
    assert state.prune(clock.now()).tokens == 0
    state.tokens.keep("renewed", b"anew", after=1)
    clock.advance(seconds=1)
    assert state.prune(clock.now() - timedelta(days=500)).tokens == 0, "the retention is longer"
    assert state.prune(clock.now(), dry_run=True).tokens == 1
    assert state.prune(clock.now()).tokens == 1
    assert state.tokens.look("yearly") == Kept()
    assert state.tokens.look("renewed") == Kept(sealed=b"anew", version=2)
    assert state.tokens.keep("yearly", b"later", after=0), "whoever comes back begins anew"


def test_the_row_of_a_client_goes_that_never_got_a_token_and_none_that_is_claimed(
    state: State, clock: HandClock
) -> None:
    refused = state.tokens.claim("refused", seconds=60)
    state.tokens.give_back("refused", claim=str(refused))
    state.tokens.keep("slow", b"sealed", after=0)
    clock.advance(days=500)
    state.tokens.claim("slow", seconds=60)
    clock.advance(days=1)  # its time is over, and it still has what it came with
    assert state.prune(clock.now()).tokens == 1
    assert state.tokens.keep("slow", b"rotated", after=1)
    clock.advance(days=500)
    assert state.prune(clock.now()).tokens == 1
