"""What is remembered as published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from finport_ingestion.engine.records import Publication, Replaces, StepResult, Watermark
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.step import Memory
from tests.unit.state.parts import (
    DATASET,
    MONDAY,
    SOURCE,
    HandClock,
    begin,
    item,
    open_run,
    publication,
    publish,
    step_key,
)


def mark(value: str) -> Watermark:
    return Watermark(field="updated", value=value, type="timestamp(UTC)", ties=("ab", "cd"))


def test_nothing_is_known_of_a_source_that_never_published(state: State) -> None:
    memory: Memory = state
    assert memory.fingerprints(SOURCE, DATASET) == {}
    assert memory.watermark(SOURCE, DATASET) is None
    assert memory.published_at(SOURCE, DATASET) is None
    assert memory.dataset_updated_at(DATASET) is None


def test_a_publication_is_remembered_whole(state: State) -> None:
    publish(state, open_run(state), publication("1", item("a.csv"), watermark=mark("2026-01-01")))
    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv")}
    assert state.watermark(SOURCE, DATASET) == mark("2026-01-01")
    assert state.published_at(SOURCE, DATASET) == MONDAY
    assert state.fingerprints("vendor", DATASET) == {}


@pytest.mark.parametrize(
    ("replaces", "names"),
    [
        (Replaces.ITEMS, ["a.csv", "b.csv", "c.csv"]),
        (Replaces.NOTHING, ["a.csv", "b.csv", "c.csv"]),
        (Replaces.SOURCE, ["b.csv", "c.csv"]),
    ],
)
def test_a_publication_replaces_what_it_says(state: State, replaces: Replaces, names: list[str]) -> None:
    run = open_run(state)
    publish(state, run, publication("1", item("a.csv", "1"), item("b.csv", "1")))
    publish_again(state, "2", publication("2", item("b.csv", "2"), item("c.csv", "2"), replaces=replaces))
    found = state.fingerprints(SOURCE, DATASET)
    assert list(found) == names
    assert found["b.csv"] == item("b.csv", "2")


def publish_again(state: State, run_id: str, published: Publication) -> None:
    for saga in state.open_sagas():
        state.finish_source(saga.run, saga.source, saga.dataset, "succeeded")
    publish(state, open_run(state, run_id), published)


def test_a_publication_without_watermark_keeps_the_one_before_unless_it_replaces_the_source(state: State) -> None:
    publish(state, open_run(state), publication("1", watermark=mark("2026-01-01"), replaces=Replaces.NOTHING))
    publish_again(state, "run-2", publication("2", replaces=Replaces.NOTHING))
    assert state.watermark(SOURCE, DATASET) == mark("2026-01-01")
    publish_again(state, "run-3", publication("3", replaces=Replaces.SOURCE))
    assert state.watermark(SOURCE, DATASET) is None


def test_a_dataset_and_the_assets_that_its_source_provides_are_updated(state: State, clock: HandClock) -> None:
    run = open_run(state)
    publish(state, run, publication("1"), provides=["prices-eod"])
    clock.advance(hours=1)
    publish(state, run, publication("2", source="vendor"))
    assert state.dataset_updated_at(DATASET) == clock.now()
    assert state.dataset_updated_at("prices-eod") == MONDAY
    assert state.published_at(SOURCE, DATASET) == MONDAY


def test_a_commit_that_is_there_already_is_entered_once(state: State, clock: HandClock) -> None:
    publish(state, open_run(state), publication("1"))
    clock.advance(days=1)
    publish_again(state, "run-2", publication("1", already_there=True))
    assert state.published_at(SOURCE, DATASET) == MONDAY


def test_a_delivery_of_nothing_that_is_there_already_changes_nothing(state: State) -> None:
    publish(state, open_run(state), publication("1"))
    nothing = replace(publication("1", run_id="run-2", already_there=True), items=())
    publish_again(state, "run-2", nothing)
    publish_again(state, "run-3", replace(nothing, commit="0", run_id="run-3"))
    publish_again(state, "run-4", replace(nothing, commit="0", run_id="run-4"))
    assert list(state.fingerprints(SOURCE, DATASET)) == ["a.csv"]


def test_a_commit_that_could_not_be_entered_is_put_in_its_place_later(state: State) -> None:
    publish(state, open_run(state), publication("1", item("a.csv", "1")))
    publish_again(state, "run-3", publication("3", item("a.csv", "3"), watermark=mark("3")))
    # Commit 2 was stored by a run that died before it could say so; its items are found by a later try.
    late = publication("2", item("a.csv", "2"), item("b.csv", "2"), watermark=mark("2"), already_there=True)
    publish_again(state, "run-2", late)
    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv", "3"), "b.csv": item("b.csv", "2")}
    assert state.watermark(SOURCE, DATASET) == mark("3")


def test_a_store_that_was_emptied_counts_anew(state: State, clock: HandClock) -> None:
    publish(state, open_run(state), publication("1", item("a.csv"), watermark=mark("1")))
    publish_again(state, "run-2", publication("2", item("b.csv"), run_id="run-2"))
    publish_again(state, "run-3", publication("1", item("c.csv"), run_id="run-3"))
    assert list(state.fingerprints(SOURCE, DATASET)) == ["c.csv"]
    assert state.watermark(SOURCE, DATASET) is None


def test_commits_that_are_no_numbers_stand_in_the_order_in_which_they_came(state: State) -> None:
    publish(state, open_run(state), publication("b7", item("a.csv", "1")))
    publish_again(state, "run-2", publication("a3", item("a.csv", "2"), run_id="run-2"))
    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv", "2")}


def test_a_long_history_of_items_is_taken_in_at_once(state: State) -> None:
    items = [item(f"{number:05}.csv") for number in range(2000)]
    publish(state, open_run(state), publication("1", *items))
    assert len(state.fingerprints(SOURCE, DATASET)) == len(items)


def test_the_ledger_is_made_again_from_the_stores_log(state: State, clock: HandClock) -> None:
    log = [
        publication("1", item("a.csv", "1"), run_id="run-1", watermark=mark("1")),
        publication("2", item("a.csv", "2"), run_id="run-2"),
        publication("3", item("b.csv", "3"), run_id="run-3", watermark=mark("3")),
    ]
    publish(state, open_run(state, "run-1"), log[0])
    publish_again(state, "run-9", publication("9", item("z.csv"), run_id="run-9"))
    clock.advance(days=1)
    state.rebuild(SOURCE, DATASET, log)
    assert state.fingerprints(SOURCE, DATASET) == {"a.csv": item("a.csv", "2"), "b.csv": item("b.csv", "3")}
    assert state.watermark(SOURCE, DATASET) == mark("3")
    assert state.published_at(SOURCE, DATASET) == clock.now()
    state.rebuild(SOURCE, DATASET, log[:1])
    assert state.published_at(SOURCE, DATASET) == MONDAY
    state.rebuild(SOURCE, DATASET, [])
    assert state.fingerprints(SOURCE, DATASET) == {}
    assert state.dataset_updated_at(DATASET) is None


def test_a_rebuild_leaves_other_sources_and_datasets_alone(state: State) -> None:
    run = open_run(state)
    publish(state, run, publication("1"))
    publish(state, run, publication("1", source="vendor"))
    state.rebuild(SOURCE, DATASET, [])
    assert list(state.fingerprints("vendor", DATASET)) == ["a.csv"]


def test_nothing_is_published_when_the_step_cannot_be_entered(state: State) -> None:
    run = open_run(state)
    step = begin(state, step_key(run))
    unspeakable = publication("1", item("a.csv"), watermark=Watermark(field="f", value=object(), type="text"))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="JSON"):
        state.finish_step(step, StepResult(publication=unspeakable))
    assert state.steps("run-1")[0].status == "running"
    assert state.fingerprints(SOURCE, DATASET) == {}
