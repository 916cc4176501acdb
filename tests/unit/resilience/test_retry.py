"""Whether another try can help."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.config.models.settings import RetrySettings
from finport_ingestion.engine.errors import AccessDenied, ConfigError, QualityGateFailed, RateLimited, SourceUnavailable
from finport_ingestion.engine.resilience.retry import Attempt, decide, wait_seconds

SETTINGS = RetrySettings.model_validate({"strategy": "exponential", "delay": "10s", "maxDelay": "1m"})


def _attempt(number: int = 1, *, tries: int = 4, seconds_left: float = 3600) -> Attempt:
    return Attempt(number=number, tries=tries, seconds_left=seconds_left)


@pytest.mark.parametrize("error", [AccessDenied("x"), ConfigError("x"), QualityGateFailed("x")])
def test_what_no_try_can_mend_is_given_up_at_once(error: Exception) -> None:
    decision = decide(error, _attempt(), SETTINGS)
    assert not decision.again
    assert type(error).__name__ in decision.reason


def test_a_busy_source_is_tried_again_with_growing_waits() -> None:
    waits = [decide(SourceUnavailable("x"), _attempt(number), SETTINGS).delay_seconds for number in (1, 2, 3)]
    assert waits == [10, 20, 40]


def test_the_last_try_is_the_last() -> None:
    assert not decide(SourceUnavailable("x"), _attempt(4), SETTINGS).again


def test_what_the_source_asks_for_comes_before_the_own_waits() -> None:
    decision = decide(RateLimited("x", retry_after_seconds=75), _attempt(), SETTINGS)
    assert decision.delay_seconds == 75
    assert "the source asked" in decision.reason


def test_a_retry_that_cannot_finish_is_not_started() -> None:
    decision = decide(SourceUnavailable("x"), _attempt(seconds_left=9), SETTINGS)
    assert not decision.again
    assert "cannot finish" in decision.reason


@pytest.mark.parametrize(("strategy", "waits"), [("linear", [10, 20, 30, 60]), ("fixed", [10, 10, 10, 10])])
def test_waits_follow_the_strategy_up_to_the_limit(strategy: str, waits: list[float]) -> None:
    settings = SETTINGS.model_copy(update={"strategy": strategy})
    assert [wait_seconds(number, settings) for number in (1, 2, 3, 9)] == waits
