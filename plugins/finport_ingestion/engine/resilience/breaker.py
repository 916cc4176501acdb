"""The circuit of one credential as this process sees it: asked of the state now and then, told of what failed."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from finport_ingestion.engine.errors import CircuitOpen, TransientError
from finport_ingestion.engine.resilience import circuit
from finport_ingestion.engine.resilience.circuit import Change, Content, Turn

if TYPE_CHECKING:
    from finport_ingestion.engine.config.models.settings import CircuitSettings

_LOOK_SECONDS = 2.0
"""So old may be what this process believes of the circuit."""
_TELL_GOOD_SECONDS = 10.0


class CircuitStore(Protocol):
    """Where circuits are kept; `change` runs with nobody else at work on the circuit."""

    def change(self, key: str, how: Callable[[Content, datetime], Any]) -> Any: ...
    def content(self, key: str) -> Content: ...


class Breaker:
    """`passes_now` and `report` do no I/O; `admit` and `tend` may."""

    def __init__(
        self, key: str, settings: CircuitSettings, store: CircuitStore, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._key, self._settings, self._store, self._ticks = key, settings, store, ticks
        self._lock = threading.Lock()
        self._holder = uuid.uuid4().hex
        self._closed = False  # until it was looked at
        self._trying = False
        self._looked_at = -_LOOK_SECONDS
        self._told_at = 0.0
        self._good = self._failed = 0

    def passes_now(self) -> bool:
        """Whether the circuit was closed when it was looked at last."""
        return self._closed and self._ticks() - self._looked_at < 3 * _LOOK_SECONDS

    def admit(self) -> None:
        """Look at the circuit, if that is due, and take the turn to try where it may be tried.

        Raises:
            CircuitOpen: Nothing is sent now.
        """
        if self._closed and self._ticks() - self._looked_at < _LOOK_SECONDS:
            return
        try:
            turn = self._turn()
        except TransientError:
            # Without its store nothing is known of the source: it is asked, and answers for itself.
            self._looked(closed=True)
            return
        self._looked(closed=not turn.tries and turn.wait_seconds == 0)
        self._trying = turn.tries
        if turn.wait_seconds:
            raise CircuitOpen(
                f"the source has failed too often and is left alone for {turn.wait_seconds:.0f} s.",
                retry_after_seconds=turn.wait_seconds,
                hint="'finport health' says why; one request tries when the time is over",
            )

    def report(self, *, good: bool) -> bool:
        """How a request went; whether others should learn of it soon."""
        with self._lock:
            self._good += good
            self._failed += not good
            return self._trying or not good

    def report_broken(self) -> None:
        """A request that was reported as good has failed after all."""
        with self._lock:
            self._good -= 1
            self._failed += 1

    def tend(self, *, all_of_it: bool = False) -> None:
        """Tell the store how requests went, and look how the circuit stands.

        Raises:
            TransientError: The store does not answer.
        """
        now = self._ticks()
        with self._lock:
            due = self._failed or self._trying or all_of_it or now - self._told_at > _TELL_GOOD_SECONDS
            good, failed = (self._good, self._failed) if due else (0, 0)
            self._good, self._failed = self._good - good, self._failed - failed
        if good or failed:
            self._told_at = now
            self._store.change(self._key, self._recorded(good, failed))
            self._trying = False
            self._look()
        elif now - self._looked_at >= _LOOK_SECONDS:
            self._look()

    def _look(self) -> None:
        self._looked(closed=circuit.status_of(self._store.content(self._key)) == "closed")

    def _looked(self, *, closed: bool) -> None:
        self._closed, self._looked_at = closed, self._ticks()

    def _turn(self) -> Turn:
        content = self._store.content(self._key)
        if circuit.status_of(content) == "closed":
            return Turn()
        found: Turn = self._store.change(self._key, self._asked)
        return found

    def _asked(self, content: Content, now: datetime) -> Turn:
        return circuit.turn(content, holder=self._holder, now=now.timestamp())

    def _recorded(self, good: int, failed: int) -> Callable[[Content, datetime], Change | None]:
        def how(content: Content, now: datetime) -> Change | None:
            return circuit.record(
                content,
                good=good,
                failed=failed,
                holder=self._holder,
                settings=self._settings,
                now=now.timestamp(),
            )

        return how
