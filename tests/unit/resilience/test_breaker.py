"""The circuit as one process sees it: what it asks, what it tells, and what it does without the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from finport_ingestion.engine.config.models.settings import CircuitSettings
from finport_ingestion.engine.errors import CircuitOpen, StateUnavailable
from finport_ingestion.engine.resilience.breaker import Breaker
from finport_ingestion.engine.resilience.circuit import Content

SETTINGS = CircuitSettings.model_validate({"failures": 2, "openFor": "30s"})


@dataclass
class Store:
    """One circuit, in memory, with a clock that is moved by hand."""

    content_now: Content = field(default_factory=dict)
    seconds: float = 1000.0
    down: bool = False
    looks: int = 0

    def __call__(self) -> float:
        return self.seconds

    def change(self, key: str, how: Callable[[Content, datetime], Any]) -> Any:
        self._answer()
        return how(self.content_now, datetime.fromtimestamp(self.seconds, UTC))

    def content(self, key: str) -> Content:
        self._answer()
        self.looks += 1
        return dict(self.content_now)

    def _answer(self) -> None:
        if self.down:
            raise StateUnavailable("the state does not answer")


@pytest.fixture
def store() -> Store:
    return Store()


def breaker(store: Store) -> Breaker:
    return Breaker("vendor", SETTINGS, store, ticks=store)


def test_nothing_passes_unasked_before_the_circuit_was_looked_at(store: Store) -> None:
    one = breaker(store)
    assert not one.passes_now()
    one.admit()
    assert one.passes_now()


def test_it_is_looked_at_again_only_after_a_while(store: Store) -> None:
    one = breaker(store)
    for _ in range(100):
        one.admit()
    assert store.looks == 1
    store.seconds += 3
    one.admit()
    assert store.looks == 2


def test_failures_reach_the_others_when_they_are_told(store: Store) -> None:
    one, other = breaker(store), breaker(store)
    one.admit()
    assert one.report(good=False)
    assert one.report(good=False)
    one.tend()
    assert not one.passes_now()
    with pytest.raises(CircuitOpen) as refused:
        other.admit()
    assert refused.value.retry_after_seconds == 30


def test_without_its_store_the_source_is_asked(store: Store) -> None:
    store.down = True
    one = breaker(store)
    one.admit()
    assert one.passes_now()


def test_good_answers_are_told_seldom(store: Store) -> None:
    one = breaker(store)
    one.admit()
    store.seconds += 11
    assert not one.report(good=True)
    one.tend()
    assert sum(count[1] for count in store.content_now["counts"]) == 1


def test_what_breaks_off_was_no_good_answer(store: Store) -> None:
    one = breaker(store)
    for _ in range(2):
        one.admit()
        one.report(good=True)
        one.report_broken()
    one.tend()
    with pytest.raises(CircuitOpen):
        breaker(store).admit()
