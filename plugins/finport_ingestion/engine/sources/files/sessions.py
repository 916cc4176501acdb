"""Sessions that are lent to one use at a time and kept for the next: a login costs more than a small file."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.sources.interface import Access


class Session(Protocol):
    """What is kept."""

    def is_usable(self) -> bool:
        """Whether it can be used again, as far as is known without asking the server."""
        ...

    def close(self) -> None:
        """End it, without waiting for the server; from any thread."""
        ...


S = TypeVar("S", bound=Session)


class Sessions(Generic[S]):
    """Those of one source in this process, as many as it may have. They may be lent to any thread."""

    def __init__(self, begin: Callable[[], S], access: Access) -> None:
        """Begins none yet; those that are free end with this object.

        Args:
            begin: Logs in; called when no session is free. It must not know this object.
        """
        self._begin = begin
        self._free: list[S] = []
        self._places = threading.BoundedSemaphore(access.connections)
        self._deadline = access.deadline
        self._source = access.source
        weakref.finalize(self, _end, self._free).atexit = False

    @contextmanager
    def lent(self) -> Iterator[S]:
        """A session; it is kept when the block ends well, and closed otherwise.

        Raises:
            SourceUnavailable: All of them are in use until the deadline.
        """
        if not self._places.acquire(timeout=max(0.0, self._deadline.seconds_left())):
            raise SourceUnavailable(
                f"{self._source}: all its sessions are in use.", hint="raise limits.connections, or the step's timeout"
            )
        try:
            session = self._kept() or self._begin()
            try:
                yield session
            except BaseException:
                session.close()
                raise
            if session.is_usable():
                self._free.append(session)
            else:
                session.close()
        finally:
            self._places.release()

    def _kept(self) -> S | None:
        while self._free:
            session = self._free.pop()
            if session.is_usable():
                return session
            session.close()
        return None


def _end(free: list[S]) -> None:
    while free:
        free.pop().close()
