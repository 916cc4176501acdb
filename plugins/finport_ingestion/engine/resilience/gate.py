"""The gate that every request to a source passes: it spaces them, counts them, and keeps them back from what is down.

One gate serves all sources that use one credential at one provider, in whatever process they run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from finport_ingestion.engine.clock import Clock, Deadline
from finport_ingestion.engine.resilience.rate import RateLimiter, limiter_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request went, as far as the gate is concerned."""

    # failed: no answer, or one that says it is down; given up: by us, so it says nothing of the source;
    # broken: what was reported as good when it began has broken off since
    outcome: Literal["good", "failed", "limited", "given up", "broken"]
    seconds: float | None = None  # how long it took
    retry_after_seconds: float | None = None  # what a limited answer asks for
    remaining: int | None = None  # requests left, as rate headers say
    reset_seconds: float | None = None  # until `remaining` is renewed


class Gate(Protocol):
    """See the module. All methods may be called from any thread."""

    def admitted_now(self) -> bool:
        """Whether a request may be sent at once, and then must be. Waits for nothing, no store either."""
        ...

    def admit(self, deadline: Deadline) -> None:
        """Wait until a request may be sent.

        Raises:
            RateLimited: It may not before the deadline. QuotaUsed: not today. CircuitOpen: the source is down.
        """
        ...

    def report(self, answer: Answer) -> None:
        """Tell how an admitted request went; of each, once, and once more if it is broken. Waits for nothing."""
        ...


class LocalGate:
    """The rate of one process, and nothing else: where no state is shared."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    @staticmethod
    def of(key: str, rate: tuple[int, int], clock: Clock) -> LocalGate:
        """The gate of a credential, `rate` as (requests, seconds)."""
        return LocalGate(limiter_of(key, requests=rate[0], seconds=rate[1], clock=clock))

    def admitted_now(self) -> bool:
        return self._limiter.admitted_now()

    def admit(self, deadline: Deadline) -> None:
        self._limiter.acquire(deadline)

    def report(self, answer: Answer) -> None:
        return
