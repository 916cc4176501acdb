"""When the circuit opens, who may try, and when it closes."""

from __future__ import annotations

from finport_ingestion.engine.config.models.settings import CircuitSettings
from finport_ingestion.engine.resilience.circuit import Change, Content, record, status_of, turn

SETTINGS = CircuitSettings.model_validate(
    {"failures": 3, "share": 0.5, "window": "60s", "openFor": "30s", "longestOpen": "100s"}
)


def told(content: Content, *, good: int = 0, failed: int = 0, now: float, holder: str = "a") -> Change | None:
    return record(content, good=good, failed=failed, holder=holder, settings=SETTINGS, now=now)


def opened(now: float = 1000.0) -> Content:
    content: Content = {}
    change = told(content, failed=3, now=now)
    assert change is not None
    assert change.status == "open"
    return content


def test_it_opens_by_count_and_share_together() -> None:
    content: Content = {}
    assert told(content, failed=2, now=1000) is None
    assert told(content, good=10, now=1001) is None
    assert told(content, failed=2, now=1002) is None
    change = told(content, failed=8, now=1003)
    assert change is not None
    assert (change.status, change.reason) == ("open", "12 of 22 requests have failed within 60 s")


def test_failures_before_the_window_do_not_count() -> None:
    content: Content = {}
    told(content, failed=2, now=1000)
    assert told(content, failed=2, now=1100) is None
    assert status_of(content) == "closed"


def test_answers_that_break_off_after_they_were_entered_as_good_open_it() -> None:
    content: Content = {}
    assert told(content, good=4, now=1000) is None
    change = told(content, good=-3, failed=3, now=1001)
    assert change is not None
    assert change.reason == "3 of 4 requests have failed within 60 s"


def test_a_long_answer_that_breaks_off_when_its_beginning_is_forgotten_counts_as_one() -> None:
    content: Content = {}
    told(content, good=3, now=1000)
    change = told(content, good=-3, failed=3, now=2000)
    assert change is not None
    assert change.reason == "3 of 3 requests have failed within 60 s"


def test_while_it_is_open_nobody_may_send() -> None:
    content = opened()
    answer = turn(content, holder="a", now=1010)
    assert (answer.tries, answer.wait_seconds) == (False, 20)


def test_when_the_time_is_over_one_may_try_and_the_others_wait() -> None:
    content = opened()
    first = turn(content, holder="a", now=1031)
    assert first.tries
    assert first.change is not None
    assert first.change.status == "half-open"
    second = turn(content, holder="b", now=1032)
    assert not second.tries
    assert second.wait_seconds > 0
    assert status_of(content) == "half-open"


def test_the_turn_of_one_that_died_is_over_by_itself() -> None:
    content = opened()
    turn(content, holder="a", now=1031)
    assert turn(content, holder="b", now=1031 + 61).tries


def test_an_answer_to_the_one_that_tries_closes_it() -> None:
    content = opened()
    turn(content, holder="a", now=1031)
    change = told(content, good=1, now=1032)
    assert change is not None
    assert change.status == "closed"
    assert turn(content, holder="b", now=1033).wait_seconds == 0


def test_each_failure_of_the_one_that_tries_doubles_the_time_up_to_the_longest() -> None:
    content, now = opened(), 1000.0
    waits = []
    for _ in range(4):
        now = content["retry_at"]
        turn(content, holder="a", now=now)
        change = told(content, failed=1, now=now)
        assert change is not None
        waits.append(change.retry_seconds)
    assert waits == [60, 100, 100, 100]


def test_late_answers_of_others_move_nothing() -> None:
    content = opened()
    assert told(content, good=50, now=1001, holder="b") is None
    turn(content, holder="a", now=1031)
    assert told(content, good=50, now=1032, holder="b") is None
    assert status_of(content) == "half-open"
