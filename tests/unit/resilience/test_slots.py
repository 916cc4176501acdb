"""The slots of one process: asked in batches that grow and shrink with the demand, and given back unused."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from finport_ingestion.engine.resilience.slots import Slots
from finport_ingestion.engine.resilience.window import Ask, Content, Given, Rule, give

RULE = Rule(key="a", requests=100, window_ms=10_000, burst=100)


@dataclass
class HandTicks:
    """A monotonic clock that is moved by hand; the store's clock is an hour ahead of it."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Store:
    """The rules over a dictionary."""

    ticks: HandTicks
    content: Content = field(default_factory=dict)
    asked: list[Ask] = field(default_factory=list)

    def ask(self, ask: Ask) -> Given:
        self.asked.append(ask)
        return give([self.content], ask, now=int((self.ticks.seconds + 3600) * 1000))


@pytest.fixture
def ticks() -> HandTicks:
    return HandTicks()


@pytest.fixture
def store(ticks: HandTicks) -> Store:
    return Store(ticks)


@pytest.fixture
def slots(store: Store, ticks: HandTicks) -> Slots:
    return Slots((RULE,), store, ticks)


def test_nothing_is_open_before_it_was_asked_for(slots: Slots) -> None:
    assert not slots.take_now()
    assert slots.reserve() is None


def test_batches_grow_while_they_are_used_up_but_not_beyond_a_tenth_of_the_rate(slots: Slots, store: Store) -> None:
    for _ in range(7):
        slots.refill(1)
        while slots.take_now():
            pass
    assert [ask.want for ask in store.asked] == [1, 2, 4, 8, 10, 10, 10]


def test_a_batch_that_was_not_used_makes_the_next_one_small_and_goes_back(
    slots: Slots, store: Store, ticks: HandTicks
) -> None:
    for _ in range(5):
        slots.refill(1)
        while slots.take_now():
            pass
    slots.refill(1)
    assert slots.take_now()
    ticks.seconds += 2
    assert not slots.take_now()
    slots.refill(1)
    assert sum(count for _, count in store.asked[-1].unused) == 9
    assert store.asked[-1].want == 1


def test_a_slot_may_not_be_used_after_its_end(slots: Slots, ticks: HandTicks) -> None:
    slots.refill(1)
    slot = slots.reserve()
    assert slot is not None
    ticks.seconds += 0.6
    assert not slots.use(slot)


def test_what_was_used_is_told_with_its_time_on_the_stores_clock(slots: Slots, store: Store, ticks: HandTicks) -> None:
    slots.refill(1)
    ticks.seconds += 0.2
    assert slots.take_now()
    slots.give_back()
    ((until, at, count),) = store.asked[-1].used
    assert (until, at, count) == (3_700_500, 3_700_200, 1)


def test_what_is_told_is_told_once(slots: Slots, store: Store) -> None:
    slots.refill(1)
    slots.take_now()
    slots.give_back()
    slots.give_back()
    assert len(store.asked) == 2


def test_a_pause_empties_what_is_held_and_is_told(slots: Slots, store: Store) -> None:
    slots.refill(5)
    slots.hold(7)
    assert not slots.take_now()
    assert slots.hold_seconds == 7
    slots.give_back()
    assert store.asked[-1].hold_ms == 7000
    assert sum(count for _, count in store.asked[-1].unused) == 5


def test_at_the_end_everything_that_is_held_goes_back(slots: Slots, store: Store) -> None:
    slots.refill(6)
    slots.give_back(all_of_them=True)
    assert store.content["sent"] == []
