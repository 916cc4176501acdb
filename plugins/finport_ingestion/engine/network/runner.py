"""One event loop of this process, in a thread of its own: the engine stays synchronous outside of it."""

from __future__ import annotations

import asyncio
import atexit
import os
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_STOP_SECONDS = 5.0
_NAME_SERVER_THREADS = 8
_WAITING_THREADS = 64


@dataclass(slots=True)
class _Runner:
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    # Two, since who waits for a token may need a name resolved to get it.
    resolving: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_NAME_SERVER_THREADS, "finport-names")
    )
    closing: set[asyncio.Task[object]] = field(default_factory=set)
    waiting: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WAITING_THREADS, "finport-waits"))

    @property
    def is_here(self) -> bool:
        """Whether the calling thread is the loop's own, which must not wait for it."""
        return threading.current_thread() is self.thread

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(_STOP_SECONDS)
        if not self.thread.is_alive():
            self.loop.close()


_lock = threading.Lock()
_runner: _Runner | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns or raises; blocks. Whatever interrupts the caller cancels it."""
    runner = _current()
    if runner.is_here:
        coroutine.close()
        raise RuntimeError("called from within the loop, which would wait for itself")
    future = asyncio.run_coroutine_threadsafe(coroutine, runner.loop)
    try:
        return future.result()
    finally:
        future.cancel()  # nothing, where it has ended


def finish(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run what closes something; blocks, but in the loop's own thread, where the garbage collector may call it."""
    runner = _current()
    if runner.is_here:
        task = runner.loop.create_task(coroutine)
        runner.closing.add(task)
        task.add_done_callback(runner.closing.discard)
    else:
        run(coroutine)


def iterate(source: Callable[[], AsyncIterator[T]], *, ahead: int) -> Iterator[T]:
    """The items of an asynchronous iterator, which runs on while they are used.

    Args:
        source: Called within the loop. A generator is closed when the last item was taken, or nobody wants another.
        ahead: At most so many items wait to be taken.
    """
    runner = _current()
    feed = _Feed(source, ahead=ahead, loop=runner.loop)
    feed.begin()
    try:
        yield from feed.taken()
    finally:
        feed.cancel()
        # The garbage collector closes a forgotten iterator in any thread, the loop's own included.
        if not runner.is_here:
            feed.ended.wait()


async def in_thread(call: Callable[[], T]) -> T:
    """The result of a call that waits for something other than names; for coroutines of this loop."""
    return await asyncio.get_running_loop().run_in_executor(_current().waiting, call)


async def resolve_in_thread(call: Callable[[], T]) -> T:
    """The result of a call to the resolver of names; for coroutines of this loop."""
    return await asyncio.get_running_loop().run_in_executor(_current().resolving, call)


class _Feed(Generic[T]):
    """Items on their way from the loop to a thread; `ended` once nothing of it is left in the loop.

    What comes in one turn of the loop goes over together: each time that the thread is woken costs both of them.
    """

    def __init__(self, source: Callable[[], AsyncIterator[T]], *, ahead: int, loop: asyncio.AbstractEventLoop) -> None:
        self.ended = threading.Event()
        self._source = source
        self._loop = loop
        self._ahead = ahead
        self._room = asyncio.Semaphore(ahead)
        self._gathered: list[T] = []
        self._handed_over: queue.SimpleQueue[list[T] | BaseException | None] = queue.SimpleQueue()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._loop.call_soon_threadsafe(self._begin)

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(self._cancel)

    def taken(self) -> Iterator[T]:
        """Runs in the thread."""
        while (found := self._handed_over.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield from found
            self._loop.call_soon_threadsafe(self._release, len(found))

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._fill())
        self._task.add_done_callback(lambda _: self.ended.set())

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def _fill(self) -> None:
        items = self._source()
        end: BaseException | None = None
        try:
            async for item in items:
                await self._room.acquire()
                self._gather(item)
        except asyncio.CancelledError as error:
            end = error
            raise
        except Exception as error:
            end = error
        finally:
            self._hand_over()
            self._handed_over.put(end)
            await _close(items)

    def _gather(self, item: T) -> None:
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(item)
        if len(self._gathered) == self._ahead:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._gathered:
            self._handed_over.put(self._gathered)
            self._gathered = []

    def _release(self, count: int) -> None:
        for _ in range(count):
            self._room.release()


async def _close(items: AsyncIterator[Any]) -> None:
    close = getattr(items, "aclose", None)
    if close:
        await close()


def _current() -> _Runner:
    global _runner  # noqa: PLW0603  (one of each process)
    with _lock:
        if _runner is None:
            _runner = _started()
        return _runner


def _started() -> _Runner:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="finport-loop", daemon=True)
    runner = _Runner(loop, thread)
    thread.start()
    return runner


def _forget() -> None:
    """In a forked process: the thread is not there, and the lock may be held by one that is not either.

    The loop of the parent is left as it is: to close it here would take its sockets out of the parent's selector.
    """
    global _lock, _runner
    _lock, _runner = threading.Lock(), None


@atexit.register
def _stop() -> None:
    global _runner
    with _lock:
        stopped, _runner = _runner, None
    if stopped:
        stopped.stop()


os.register_at_fork(after_in_child=_forget)
