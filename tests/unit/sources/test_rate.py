"""The sliding window of requests."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.errors import RateLimited
from finport_ingestion.engine.resilience.rate import RateLimiter, limiter_of
from tests.conformance.sources.access import ManualClock


def deadline(clock: ManualClock, seconds: float = 1000) -> Deadline:
    return Deadline.after(seconds, clock=clock)


def test_no_window_holds_more_requests_than_allowed() -> None:
    clock = ManualClock()
    limiter, until = RateLimiter(3, 10, clock), deadline(clock)
    sent = []
    for pause in (0, 1, 2, 0, 0, 5, 0, 0, 0, 30, 0, 0, 0):
        clock.sleep(pause)
        limiter.acquire(until)
        sent.append(clock.now())
    windows = [[at for at in sent if start <= at < start + timedelta(seconds=10)] for start in sent]
    assert max(len(window) for window in windows) == 3
    assert sent == sorted(sent)


def test_requests_within_the_limit_do_not_wait() -> None:
    clock = ManualClock()
    limiter = RateLimiter(5, 60, clock)
    for _ in range(5):
        limiter.acquire(deadline(clock))
    assert clock.slept == []


def test_a_wait_beyond_the_deadline_is_refused_at_once_and_holds_no_place() -> None:
    clock = ManualClock()
    limiter = RateLimiter(1, 60, clock)
    limiter.acquire(deadline(clock))
    with pytest.raises(RateLimited, match=r"limit of 1 in 60 s") as raised:
        limiter.acquire(deadline(clock, seconds=30))
    assert raised.value.retry_after_seconds == 60
    assert clock.slept == []
    limiter.acquire(deadline(clock))
    assert clock.slept == [60]


def test_one_name_is_one_limit_for_the_process() -> None:
    clock = SystemClock()
    one, other = (limiter_of("vendor", requests=7, seconds=60, clock=clock) for _ in range(2))
    assert one is other
    assert limiter_of("vendor", requests=7, seconds=60, clock=SystemClock()) is one
    assert limiter_of("vendor", requests=7, seconds=60, clock=ManualClock()) is not one


def test_threads_together_keep_the_limit() -> None:
    limiter = RateLimiter(5, 0.3, SystemClock())
    until = Deadline.after(30, clock=SystemClock())
    sent: list[datetime] = []

    def work() -> None:
        for _ in range(5):
            limiter.acquire(until)
            sent.append(datetime.now(UTC))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(sent) - min(sent) >= timedelta(seconds=0.3 * 3 - 0.05)
