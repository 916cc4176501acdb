"""One client for all uses of a source, in whatever threads: kept between them, replaced after a failure."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.sources.objects.client import ObjectClient


@dataclass(slots=True)
class _Held:
    client: ObjectClient
    uses: int = 0
    failed: bool = False


class SharedClient:
    """Opens a client when one is wanted. The last one is closed when this object is not needed any more."""

    def __init__(self, opened: Callable[[], ObjectClient]) -> None:
        """Opens nothing yet."""
        self._opened = opened
        self._lock = threading.Lock()
        self._held: _Held | None = None

    @contextmanager
    def used(self) -> Iterator[ObjectClient]:
        """The client; one whose use failed is left to those who are at it, and then closed."""
        held = self._taken()
        try:
            yield held.client
        except FinportError:
            held.failed = True
            raise
        finally:
            self._returned(held)

    def _taken(self) -> _Held:
        with self._lock:
            if self._held is None or self._held.failed:
                self._held = _Held(self._opened())
                weakref.finalize(self, self._held.client.close)
            self._held.uses += 1
            return self._held

    def _returned(self, held: _Held) -> None:
        with self._lock:
            held.uses -= 1
            ended = held.failed and not held.uses
            if ended and self._held is held:
                self._held = None
        if ended:
            held.client.close()
