"""What another thread makes ahead comes in order, whole, and ends with whoever asked for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from finport_ingestion.engine.convert.reading.ahead import one_ahead


def test_everything_comes_in_order() -> None:
    assert list(one_ahead(iter(range(100)))) == list(range(100))
    assert list(one_ahead(iter([0, None, "", False]))) == [0, None, "", False]


def test_the_next_one_is_made_while_one_is_used() -> None:
    made = threading.Event()

    def making() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    found = one_ahead(making())
    assert next(found) == 1
    assert made.wait(10)
    assert list(found) == [2]


def test_what_goes_wrong_is_raised_behind_what_went_well() -> None:
    def making() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    found = one_ahead(making())
    assert next(found) == 1
    with pytest.raises(KeyError, match="two"):
        next(found)


def test_who_stops_early_ends_the_maker_and_its_thread() -> None:
    ended = threading.Event()
    threads: set[threading.Thread] = set()

    def making() -> Iterator[int]:
        try:
            while True:
                threads.add(threading.current_thread())
                yield 1
        finally:
            ended.set()

    found = one_ahead(making())
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert ended.is_set()
    assert threads.isdisjoint({threading.current_thread()})
    assert not any(thread.is_alive() for thread in threads)
