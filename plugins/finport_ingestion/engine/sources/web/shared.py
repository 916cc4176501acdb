"""The client of a source for all who use it at the same time: connections are kept as long as there is one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """What `opening` opens, opened by the first and closed by the last who uses it; of any thread."""

    def __init__(self, opening: Callable[[], AbstractContextManager[T]]) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._users = 0
        self._stack = ExitStack()
        self._opened: T | None = None

    @contextmanager
    def used(self) -> Iterator[T]:
        """It, for the length of the block. Raises what opening it raises."""
        with self._lock:
            if self._opened is None:
                self._opened = self._stack.enter_context(self._opening())
            opened = self._opened
            self._users += 1
        try:
            yield opened
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._opened = None
                    self._stack.close()
