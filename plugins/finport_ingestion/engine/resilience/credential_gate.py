"""All limits of one credential, for every source of this process that uses it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import TransientError

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Deadline
    from finport_ingestion.engine.resilience.breaker import Breaker
    from finport_ingestion.engine.resilience.gate import Answer
    from finport_ingestion.engine.resilience.quota import DayQuota
    from finport_ingestion.engine.resilience.session import Session
    from finport_ingestion.engine.resilience.shared_rate import SharedRate

log = logging.getLogger(__name__)

_LONGEST_HOLD_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The parts of a gate, each shared with other processes."""

    rate: SharedRate
    breaker: Breaker
    session: Session
    quota: DayQuota | None = None
    priority: tuple[str, ...] = ()


class CredentialGate:
    """Cheapest test first; what was taken before a later test refuses is given back."""

    def __init__(self, key: str, limits: Limits) -> None:
        self.key = key
        self._limits = limits
        self._lock = threading.Lock()
        self._users = 0
        self._tending = threading.Lock()  # who leaves last waits for what is being told just now

    @property
    def used(self) -> bool:
        """Whether a source uses it."""
        return self._users > 0

    def counts(self, endpoint: str | None) -> bool:
        """Whether the quota counts a request to `endpoint`."""
        limits = self._limits
        if limits.quota is None:
            return False
        return endpoint is None or not any(fnmatchcase(endpoint, pattern) for pattern in limits.priority)

    def admitted_now(self, endpoint: str | None) -> bool:
        """As Gate."""
        limits = self._limits
        if not (limits.breaker.passes_now() and limits.session.held):
            return False
        quota = limits.quota if self.counts(endpoint) else None
        if quota is not None and not quota.taken_now():
            return False
        if limits.rate.admitted_now():
            return True
        if quota is not None:
            quota.untake()
        return False

    def admit(self, deadline: Deadline, endpoint: str | None) -> None:
        """As Gate."""
        limits = self._limits
        limits.breaker.admit()
        limits.session.take(deadline)
        quota = limits.quota if self.counts(endpoint) else None
        if quota is not None:
            quota.take()
        try:
            limits.rate.admit(deadline)
        except TransientError:
            if quota is not None:
                quota.untake()
            raise

    def report(self, answer: Answer) -> bool:
        """As Gate; whether others should learn of it soon."""
        if answer.outcome == "given up":
            return False
        if answer.outcome == "broken":
            self._limits.breaker.report_broken()
            return True
        if answer.outcome != "limited":
            urgent = self._limits.breaker.report(good=answer.outcome == "good")
            return self._held_by_headers(answer) or urgent
        pause = answer.retry_after_seconds or answer.reset_seconds
        if pause:
            self._limits.rate.hold(min(pause, _LONGEST_HOLD_SECONDS))
        return bool(pause)

    def tend(self) -> None:
        """Tell others what they should know; renew what would run out. A store that is down is asked again later."""
        with self._tending:
            if not self.used:
                return  # what it held was given back, and is not taken again
            with self._kept_quiet():
                self._limits.breaker.tend()
            with self._kept_quiet():
                self._limits.session.tend()
            self._limits.rate.tend()

    def enter(self) -> None:
        """One more source uses it."""
        with self._lock:
            self._users += 1

    def leave(self) -> bool:
        """One fewer; the last one gives back all that this process holds (True)."""
        with self._lock:
            self._users -= 1
            if self._users > 0:
                return False
        with self._tending:
            self._give_back()
        return True

    def _give_back(self) -> None:
        with self._kept_quiet():
            self._limits.breaker.tend(all_of_it=True)
        if self._limits.quota is not None:
            with self._kept_quiet():
                self._limits.quota.give_back()
        with self._kept_quiet():
            self._limits.session.release()
        self._limits.rate.settle()

    def _held_by_headers(self, answer: Answer) -> bool:
        if answer.remaining is None or answer.remaining > 0 or not answer.reset_seconds:
            return False
        self._limits.rate.hold(min(answer.reset_seconds, _LONGEST_HOLD_SECONDS))
        return True

    @contextlib.contextmanager
    def _kept_quiet(self) -> Iterator[None]:
        try:
            yield
        except TransientError as error:
            log.warning("%s: %s", self.key, error)
