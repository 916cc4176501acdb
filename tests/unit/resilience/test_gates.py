"""A gate with all its parts over a state database: what passes at once, what headers do, what is counted."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.config.models.settings import Settings
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import RateLimited
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.resilience.gates import Gates, User, lowered_by, rules_of
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import run_key

KEY = "api.vendor.example/bank"


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(f"sqlite:///{tmp_path / 'state.db'}", SystemClock())
    state.upgrade()
    return state


@pytest.fixture
def gates(state: State) -> Gates:
    return Gates(state.apis, EnvironmentConnections({}), SystemClock())


def user(endpoint: str = "/v1/prices", **settings: Any) -> User:
    return User(source="prices", run=run_key(), settings=Settings.model_validate(settings), endpoint=endpoint)


def deadline(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds, clock=SystemClock())


def test_nothing_passes_at_once_before_one_has_asked_the_stores(gates: Gates) -> None:
    with gates.watched(run_key()) as watch:
        gate = watch.gate(KEY, user(limits={"rate": "1000/hour"}))
        assert not gate.admitted_now()
        for _ in range(20):
            gate.admit(deadline())
            if gate.admitted_now():
                return
        pytest.fail("no batch was larger than one request")


def test_two_sources_with_one_credential_share_its_rate(gates: Gates) -> None:
    with gates.watched() as watch:
        one, other = watch.gate(KEY, user(limits={"rate": "2/hour"})), watch.gate(KEY, user(limits={"rate": "2/hour"}))
        one.admit(deadline())
        other.admit(deadline())
        with pytest.raises(RateLimited, match="limit of 2 in 3600 s") as refused:
            one.admit(deadline())
        assert refused.value.retry_after_seconds is not None
        watch.gate("other.example", user(limits={"rate": "2/hour"})).admit(deadline())


def test_headers_that_leave_no_request_hold_until_they_are_renewed(gates: Gates) -> None:
    with gates.watched() as watch:
        gate = watch.gate(KEY, user(limits={"rate": "100/second"}))
        gate.admit(deadline())
        gate.report(Answer(outcome="good", remaining=0, reset_seconds=1.0))
        assert not gate.admitted_now()
        began = time.monotonic()
        gate.admit(deadline())
        assert time.monotonic() - began >= 0.9


def test_a_request_to_wait_longer_than_there_is_time_is_an_error_with_that_wait(gates: Gates) -> None:
    with gates.watched() as watch:
        gate = watch.gate(KEY, user())
        gate.admit(deadline())
        gate.report(Answer(outcome="limited", retry_after_seconds=600))
        with pytest.raises(RateLimited, match="the vendor asked for a pause") as refused:
            gate.admit(deadline(5))
        assert refused.value.retry_after_seconds == pytest.approx(600, abs=5)


def test_what_a_run_sent_is_counted_when_its_step_ends(gates: Gates, state: State) -> None:
    limits = {"quota": {"requests": 100, "priority": ["/v1/first*"]}}
    small, first = user(limits=limits), user(endpoint="/v1/first/news", limits=limits)
    with gates.watched(run_key()) as watch:
        watch.gate(KEY, first).admit(deadline())
        gate = watch.gate(KEY, small)
        gate.admit(deadline())
        gate.admit(deadline())
        gate.report(Answer(outcome="good"))
        gate.report(Answer(outcome="failed"))
        gate.report(Answer(outcome="limited"))
    (found,) = state.apis.requests("prices")
    assert (found.sent, found.counted, found.failed, found.limited) == (3, 2, 1, 1)
    with gates.watched() as watch:
        forecast = watch.forecast(KEY, small)
    assert forecast is not None
    assert (forecast.used, forecast.needed, forecast.suffices) == (2, 2, True)


def test_what_is_held_is_given_back_when_the_step_ends(gates: Gates, state: State) -> None:
    with gates.watched() as watch:
        watch.gate(KEY, user()).admit(deadline())
        assert state.apis.sessions(KEY) == 1
    assert state.apis.sessions(KEY) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_uses_no_slot_of_its_parent(gates: Gates) -> None:
    few = user(limits={"rate": "4/hour"})
    with gates.watched() as watch:
        gate = watch.gate(KEY, few)
        gate.admit(deadline())
        gate.admit(deadline())
        child = os.fork()
        if child == 0:
            sent = 0
            try:
                with gates.watched() as own:
                    for _ in range(4):
                        own.gate(KEY, few).admit(deadline(5))
                        sent += 1
            finally:
                os._exit(sent)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) <= 2


def test_the_burst_is_part_of_the_rate() -> None:
    own, every = rules_of(KEY, Settings.model_validate({"limits": {"rate": "100/minute"}}))
    assert (own.requests, own.burst, own.window_ms) == (100, 100, 60_000)
    assert (every.key, every.requests, every.burst) == ("*", 1000, 200)


def test_each_weaker_protection_is_named_with_its_reason() -> None:
    security = Settings.model_validate(
        {
            "security": {
                "minTls": "1.2",
                "minTlsReason": "an old server",
                "allowPlaintext": True,
                "allowPlaintextReason": "inside the vault",
                "allowPrivateNetwork": True,
            }
        }
    ).security
    assert list(lowered_by(security)) == [
        ("minTls 1.2", "an old server"),
        ("allowPlaintext", "inside the vault"),
        ("allowPrivateNetwork", None),
    ]
    assert list(lowered_by(Settings().security)) == []
