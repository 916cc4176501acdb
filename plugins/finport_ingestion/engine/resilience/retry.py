"""Whether another try can help, and when: the same answer for Airflow's tasks and for the command line."""

from __future__ import annotations

from dataclasses import dataclass

from finport_ingestion.engine.config.models.settings import RetrySettings
from finport_ingestion.engine.errors import CircuitOpen, ConfigError, PermanentError, RateLimited

_LEAST_USEFUL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that failed."""

    number: int  # from 1
    tries: int  # first try and retries together
    seconds_left: float  # of the workflow's time


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Try again after `delay_seconds`, or give up (None); `reason` is a sentence for the ledger."""

    delay_seconds: float | None
    reason: str

    @property
    def again(self) -> bool:
        return self.delay_seconds is not None


def decide(error: BaseException, attempt: Attempt, settings: RetrySettings) -> Decision:
    """What to do after `error`.

    A wrong document, a refused login or broken data is not tried again. What a source asks for (Retry-After) comes
    before the document's own waits. A retry that cannot finish within the workflow's time is not started.
    """
    if isinstance(error, ConfigError | PermanentError):
        return Decision(delay_seconds=None, reason=f"{type(error).__name__}: trying again cannot help")
    if attempt.number >= attempt.tries:
        return Decision(delay_seconds=None, reason=f"all {attempt.tries} tries are used")
    delay = wait_seconds(attempt.number, settings)
    asked = error.retry_after_seconds if isinstance(error, RateLimited | CircuitOpen) else None
    if asked is not None:
        delay = max(asked, 0.0)
    if attempt.seconds_left < delay + _LEAST_USEFUL_SECONDS:
        return Decision(
            delay_seconds=None,
            reason=f"a retry in {delay:g} s cannot finish: the workflow has {max(attempt.seconds_left, 0):.0f} s left",
        )
    why = "the source asked for this wait" if asked is not None else f"{settings.strategy} backoff"
    return Decision(
        delay_seconds=delay, reason=f"{type(error).__name__}: try {attempt.number + 1} in {delay:g} s ({why})"
    )


def wait_seconds(number: int, settings: RetrySettings) -> float:
    """The wait after try `number` (from 1)."""
    first = settings.delay.total_seconds()
    factor = {"exponential": 2 ** (number - 1), "linear": number, "fixed": 1}[settings.strategy]
    return float(min(first * factor, settings.max_delay.total_seconds()))
