"""Work done by several threads, given back in the order in which it was asked for."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """A few calls under way, in order. Used as a context; what is under way at its end is waited for."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="finport-read")
        self._most = threads + 1
        self._waiting: deque[Future[T]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, call: Callable[[], T]) -> Iterator[T]:
        """Begin one more call; gives the results that must be taken first, so that memory stays bounded."""
        self._waiting.append(self._pool.submit(call))
        while len(self._waiting) > self._most:
            yield self._waiting.popleft().result()

    def drain(self) -> Iterator[T]:
        """The results of everything that is under way."""
        while self._waiting:
            yield self._waiting.popleft().result()


def one_ahead(made: Iterator[T]) -> Iterator[T]:
    """What `made` gives, each made by another thread while the one before it is used."""
    with contextlib.ExitStack() as stack:
        if isinstance(made, Generator):
            stack.enter_context(contextlib.closing(made))
        pool = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="finport-read"))
        following = pool.submit(_next, made)
        while found := following.result():
            following = pool.submit(_next, made)
            yield found[0]


def _next(made: Iterator[T]) -> tuple[T] | None:
    for found in made:
        return (found,)
    return None
