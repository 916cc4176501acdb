"""Answers that are fetched side by side and taken in order."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Coroutine
from typing import Any

import pytest

from finport_ingestion.engine.sources.web.in_order import InOrder


class Fetches:
    """Answers that take as many turns of the loop as they are asked for."""

    def __init__(self, **turns: int) -> None:
        self._turns = turns
        self.running = self.most = 0
        self.asked: list[int] = []
        self.cancelled: list[int] = []

    async def __call__(self, ask: int) -> int:
        self.asked.append(ask)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(self._turns.get(f"n{ask}", 1)):
                await asyncio.sleep(0)
            if ask < 0:
                raise LookupError(ask)
            return ask * 10
        except asyncio.CancelledError:
            self.cancelled.append(ask)
            raise
        finally:
            self.running -= 1


def run(steps: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(steps, timeout=20))


@pytest.mark.parametrize("most", [1, 2, 5, 100])
def test_answers_come_in_order_and_no_more_at_a_time_than_allowed(most: int) -> None:
    fetches = Fetches(n0=9, n3=5, n7=20, n8=0)

    async def steps() -> None:
        reading = InOrder(fetches, most=most)
        reading.expect(iter(range(40)))
        assert [await reading.take(number) for number in range(40)] == [number * 10 for number in range(40)]
        await reading.close()

    run(steps())
    assert fetches.most <= most
    assert fetches.asked == list(range(40))


def test_what_nobody_foretold_is_fetched_when_it_is_asked_for() -> None:
    async def steps() -> None:
        reading = InOrder(Fetches(), most=1)
        assert [await reading.take(number) for number in (5, 3, 4)] == [50, 30, 40]
        assert not reading.knows_more
        await reading.close()

    run(steps())


def test_what_was_foretold_wrongly_is_given_up() -> None:
    fetches = Fetches(n2=1000, n3=1000)

    async def steps() -> None:
        reading = InOrder(fetches, most=3)
        reading.expect(iter([1, 2, 3, 4]))
        assert await reading.take(1) == 10
        assert await reading.take(7) == 70
        assert set(fetches.cancelled) >= {2, 3}
        assert not reading.knows_more
        await reading.close()

    run(steps())
    assert fetches.running == 0


def test_only_so_many_answers_wait_for_their_turn() -> None:
    fetches = Fetches()

    async def steps() -> None:
        reading = InOrder(fetches, most=4)
        reading.expect(iter(range(1000)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(fetches.asked) == 14
        await reading.close()

    run(steps())


def test_those_who_fetch_stay_while_the_taker_is_slow() -> None:
    who: list[asyncio.Task[Any] | None] = []

    async def fetch(ask: int) -> int:
        who.append(asyncio.current_task())
        return ask

    async def steps() -> None:
        reading = InOrder(fetch, most=4)
        reading.expect(iter(range(100)))
        for number in range(100):
            # Until there is no room for more answers, so that all of them have to wait.
            for _ in range(20):
                await asyncio.sleep(0)
            assert await reading.take(number) == number
        await reading.close()

    run(steps())
    assert len(who) == 100
    assert len(set(who)) <= 4


def test_who_waits_for_work_holds_no_answer() -> None:
    class Answer:
        pass

    async def fetch(ask: int) -> Answer:
        return Answer()

    async def steps() -> None:
        reading = InOrder(fetch, most=4)
        reading.expect(iter(range(20)))
        taken = [weakref.ref(await reading.take(number)) for number in range(20)]
        await asyncio.sleep(0)
        assert [answer() for answer in taken] == [None] * 20
        await reading.close()

    run(steps())


def test_closing_does_not_wait_for_who_ends_in_another_way() -> None:
    async def fetch(ask: int) -> int:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            if ask == 1:
                raise LookupError(ask) from None
        return ask

    async def steps() -> None:
        reading = InOrder(fetch, most=3)
        reading.expect(iter([1, 2, 3]))
        await asyncio.sleep(0)
        await reading.close()
        assert not reading.knows_more

    run(steps())


def test_an_error_comes_in_its_place() -> None:
    async def steps() -> None:
        reading = InOrder(Fetches(n1=50), most=3)
        reading.expect(iter([1, -2, 3]))
        assert await reading.take(1) == 10
        with pytest.raises(LookupError):
            await reading.take(-2)
        assert await reading.take(3) == 30
        await reading.close()

    run(steps())


def test_who_stops_waiting_leaves_nothing_running() -> None:
    fetches = Fetches(n1=10_000)

    async def steps() -> None:
        reading = InOrder(fetches, most=2)
        reading.expect(iter([1, 2, 3]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reading.take(1), timeout=0.01)
        await reading.close()

    run(steps())
    assert fetches.running == 0
