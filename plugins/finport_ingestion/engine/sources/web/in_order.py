"""Answers in the order in which they were asked for, while the next ones are on their way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from itertools import chain
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SPARE = 10
"""One that is late keeps so many others waiting, at least, before nothing more is asked for."""


class _Place(Generic[K, V]):
    """Of one answer in the order; empty until it has come."""

    __slots__ = ("answer", "ask", "error", "has_come")

    def __init__(self, ask: K) -> None:
        self.ask = ask
        self.has_come = False
        self.answer: V
        self.error: BaseException | None = None


class InOrder(Generic[K, V]):
    """At most `most` under way, and a few more that have come before their turn. Close it by `close`."""

    def __init__(self, fetch: Callable[[K], Coroutine[Any, Any, V]], *, most: int) -> None:
        self._fetch = fetch
        self._most = most
        self._most_places = most + max(_SPARE, most // 4)
        self._places: deque[_Place[K, V]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0
        self._idle: list[asyncio.Future[_Place[K, V]]] = []
        self._expected: Iterator[K] = iter(())
        self._first_came = asyncio.Event()

    @property
    def knows_more(self) -> bool:
        """Whether something that was expected is under way."""
        return bool(self._places)

    def expect(self, asks: Iterator[K]) -> None:
        """Ask for these ahead, from now on; replaces what was expected before."""
        self._expected = asks
        self._employ()

    async def take(self, ask: K) -> V:
        """The answer to `ask`, or its error. If anything else was expected, that is given up."""
        if self._places and self._places[0].ask != ask:
            await self.close()
        if not self._places:
            self.expect(chain([ask], self._expected))
        place = self._places[0]
        while not place.has_come:
            self._first_came.clear()
            await self._first_came.wait()
        self._places.popleft()
        self._employ()
        if place.error is not None:
            raise place.error
        return place.answer

    async def close(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        self._expected = iter(())
        self._places.clear()
        self._idle.clear()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._working = 0

    def _employ(self) -> None:
        """As many workers as there is work for. One of them asks again and again: a task for each would cost more."""
        while self._working < self._most and (place := self._next_place()):
            self._working += 1
            if self._idle:
                self._idle.pop().set_result(place)
                continue
            worker = asyncio.get_running_loop().create_task(self._work(place))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, place: _Place[K, V] | None) -> None:
        while place:
            try:
                place.answer = await self._fetch(place.ask)
            except Exception as error:
                place.error = error
            place.has_come = True
            if self._places and self._places[0] is place:
                self._first_came.set()
            # Who waits for work has let go of the answer.
            place = self._next_place()
            place = place or await self._next_work()

    async def _next_work(self) -> _Place[K, V] | None:
        """Waits for it; None for who is cancelled, and was told so by another error, or too late."""
        self._working -= 1
        me = asyncio.current_task()
        if me is None or me.cancelling():
            return None
        idle: asyncio.Future[_Place[K, V]] = asyncio.get_running_loop().create_future()
        self._idle.append(idle)
        return await idle

    def _next_place(self) -> _Place[K, V] | None:
        if len(self._places) >= self._most_places:
            return None
        try:
            place: _Place[K, V] = _Place(next(self._expected))
        except StopIteration:
            return None
        self._places.append(place)
        return place
