"""One circuit for many processes, over the state database, with requests that really pass a gate."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.clock import Clock, Deadline, SystemClock
from finport_ingestion.engine.config.models.settings import Settings
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import CircuitOpen, QuotaUsed, RateLimited
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.resilience.gates import Gates, User
from finport_ingestion.engine.state.state import State
from tests.clocks import LaterClock

KEY = "api.vendor.example/bank"
WHEN_IT_MAY_BE_TRIED = LaterClock(timedelta(minutes=11))
GOOD, FAILED = Answer(outcome="good"), Answer(outcome="failed")


@pytest.fixture(params=["postgresql", "sqlite"])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'state.db'}"
        State(url, SystemClock()).upgrade()
        yield url
        return
    server = request.getfixturevalue("postgresql")
    name = server.create_database()
    State(server.url(name), SystemClock()).upgrade()
    yield server.url(name)
    server.drop_database(name)


def user(endpoint: str | None = None, **settings: Any) -> User:
    stated = {"circuit": {"failures": 3, "openFor": "10m"}, **settings}
    return User(source="prices", run=None, settings=Settings.model_validate(stated), endpoint=endpoint)


def gates(state_url: str, clock: Clock | None = None) -> Gates:
    clock = clock or SystemClock()
    return Gates(State(state_url, clock).apis, EnvironmentConnections({}), clock)


def deadline(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds, clock=SystemClock())


def event_types(state_url: str) -> list[str]:
    waiting = State(state_url, SystemClock()).claim_events("log", 100)
    return [event.type.removeprefix("io.finport.api.") for event in waiting]


def _tries(state_url: str, start: Any, answers: Any) -> None:
    start.wait()
    with gates(state_url, WHEN_IT_MAY_BE_TRIED).watched() as watch:
        gate = watch.gate(KEY, user())
        try:
            gate.admit(deadline(5))
        except CircuitOpen:
            answers.put("refused")
            return
        answers.put("sent")
        time.sleep(1.0)  # the answer is slow: the others must not try meanwhile
        gate.report(GOOD)


def test_what_one_process_finds_down_the_others_leave_alone_and_one_of_them_tries(state_url: str) -> None:
    with gates(state_url).watched() as watch:
        gate = watch.gate(KEY, user())
        for _ in range(3):
            gate.admit(deadline())
            gate.report(FAILED)
    with gates(state_url).watched() as watch, pytest.raises(CircuitOpen, match="left alone") as refused:
        watch.gate(KEY, user()).admit(deadline())
    assert refused.value.retry_after_seconds is not None
    context = multiprocessing.get_context("spawn")
    answers, start = context.Queue(), context.Barrier(4)
    processes = [context.Process(target=_tries, args=(state_url, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    told = sorted(answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(20)
    assert told == ["refused", "refused", "refused", "sent"]
    with gates(state_url).watched() as watch:
        watch.gate(KEY, user()).admit(deadline())
    assert event_types(state_url) == ["circuit_opened", "circuit_half_opened", "circuit_closed"]


def test_failures_among_many_good_answers_do_not_open_it(state_url: str) -> None:
    with gates(state_url).watched() as watch:
        gate = watch.gate(KEY, user(limits={"rate": "1000/second", "globalRate": "1000/second"}))
        for number in range(40):
            gate.admit(deadline())
            gate.report(FAILED if number % 8 == 0 else GOOD)
    assert State(state_url, SystemClock()).apis.circuits() == []


def test_a_vendor_that_asks_to_slow_down_is_not_down(state_url: str) -> None:
    with gates(state_url).watched() as watch:
        gate = watch.gate(KEY, user())
        for _ in range(5):
            gate.admit(deadline())
            gate.report(Answer(outcome="limited", retry_after_seconds=0.05))
    assert State(state_url, SystemClock()).apis.circuits() == []


def test_more_processes_than_sessions_wait_for_their_turn(state_url: str) -> None:
    few = user(limits={"sessions": 1})
    with gates(state_url).watched() as first, gates(state_url).watched() as second:
        first.gate(KEY, few).admit(deadline())
        waiting = second.gate(KEY, few)
        with pytest.raises(RateLimited, match="1 processes use this credential"):
            waiting.admit(deadline(0.5))
        first.close()
        waiting.admit(deadline(5))


def test_a_quota_binds_all_processes_but_not_the_paths_that_come_first(state_url: str) -> None:
    small = {"limits": {"quota": {"requests": 2, "priority": ["/v1/prices*"]}}}
    news, prices = user(endpoint="/v1/news", **small), user(endpoint="/v1/prices/latest", **small)
    with gates(state_url).watched() as first, gates(state_url).watched() as second:
        one, other = first.gate(KEY, news), second.gate(KEY, news)
        one.admit(deadline())
        other.admit(deadline())
        with pytest.raises(QuotaUsed, match="prices: the 2 requests of the day are used") as refused:
            one.admit(deadline())
        assert refused.value.retry_after_seconds is not None
        second.gate(KEY, prices).admit(deadline())
    assert event_types(state_url) == ["quota_used"]
