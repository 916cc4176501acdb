"""Sessions that are lent to one use at a time and kept for the next: a login costs more than a small file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import SourceUnavailable


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
    """At most so many of one source in this process. All methods may be called from any thread."""

    def __init__(self, begin: Callable[[], S], *, most: int, deadline: Deadline, source: str) -> None:
        """Begins none yet.

        Args:
            begin: Logs in; called when no session is free.
            source: The document's name, for messages.
        """
        self._begin = begin
        self._free: list[S] = []
        self._places = threading.BoundedSemaphore(most)
        self._deadline = deadline
        self._source = source

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

    def close(self) -> None:
        """End those that are free."""
        while self._free:
            self._free.pop().close()

    def _kept(self) -> S | None:
        while self._free:
            session = self._free.pop()
            if session.is_usable():
                return session
            session.close()
        return None
