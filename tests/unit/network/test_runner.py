"""The loop behind the synchronous engine: results, errors, interruption, forks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from finport_ingestion.engine.network.runner import in_thread, iterate, run


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


class Watched:
    """A generator that tells how far it came, and that it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False

    async def items(self) -> AsyncIterator[int]:
        try:
            while True:
                self.made += 1
                yield self.made
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.01)
            self.closed = True


def test_a_coroutine_gives_its_result_or_raises() -> None:
    async def failing() -> None:
        raise LookupError("not there")

    assert run(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError, match="not there"):
        run(failing())


def test_all_threads_share_one_loop() -> None:
    async def loop() -> int:
        return id(asyncio.get_running_loop())

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(run(loop()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


@pytest.mark.parametrize("ahead", [1, 2, 7, 1000])
def test_items_come_whole_and_in_order(ahead: int) -> None:
    assert list(iterate(lambda: numbers(500), ahead=ahead)) == list(range(500))


def test_no_more_items_are_made_than_may_wait() -> None:
    watched = Watched()
    items: Any = iterate(watched.items, ahead=5)
    assert next(items) == 1
    run(asyncio.sleep(0.05))
    assert watched.made <= 5 + 2
    items.close()


def test_a_consumer_that_stops_closes_the_generator_before_it_goes_on() -> None:
    watched = Watched()
    items: Any = iterate(watched.items, ahead=3)
    assert [next(items) for _ in range(10)] == list(range(1, 11))
    items.close()
    assert watched.closed


def test_an_error_comes_behind_the_items_before_it() -> None:
    async def breaking() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise LookupError("the third")

    items = iterate(breaking, ahead=10)
    assert (next(items), next(items)) == (1, 2)
    with pytest.raises(LookupError, match="the third"):
        next(items)


def test_the_loop_does_not_wait_for_itself() -> None:
    async def nested() -> None:
        run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="within the loop"):
        run(nested())


def test_what_waits_in_a_thread_may_use_the_loop() -> None:
    async def outer() -> str:
        return await in_thread(lambda: run(asyncio.sleep(0, "inner")))

    assert run(outer()) == "inner"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_loop_of_its_own() -> None:
    assert run(asyncio.sleep(0, "parent")) == "parent"
    child = os.fork()
    if child == 0:
        os._exit(0 if run(asyncio.sleep(0, "child")) == "child" and list(iterate(lambda: numbers(3), ahead=1)) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert run(asyncio.sleep(0, "parent")) == "parent"
