"""The limiter's script in Redis gives what the same rules give in Python, and the limiter without its store."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import RateLimited, StateUnavailable
from finport_ingestion.engine.resilience.redis_rates import RedisRates
from finport_ingestion.engine.resilience.shared_rate import SharedRate
from finport_ingestion.engine.resilience.slots import RateStore
from finport_ingestion.engine.resilience.window import Ask, Content, Given, Rule, give
from finport_ingestion.engine.state.state import State
from tests.services.limiter_process import store_of
from tests.services.plugin import StartService
from tests.services.redis_server import SERVICE


class _Recording:
    """Redis, and what it was asked with its answers."""

    def __init__(self, store: RateStore) -> None:
        self._store = store
        self.asked: list[tuple[Ask, Given]] = []

    def ask(self, ask: Ask) -> Given:
        given = self._store.ask(ask)
        self.asked.append((ask, given))
        return given


def rules(requests: int = 20, seconds: int = 1) -> tuple[Rule, ...]:
    return (
        Rule(key="own", requests=requests, window_ms=seconds * 1000, burst=max(1, requests // 2)),
        Rule(key="*", requests=3 * requests, window_ms=2000 * seconds, burst=3 * requests),
    )


def limited(store: RateStore, told: list[str | None], processes: int = 4) -> SharedRate:
    return SharedRate(rules(), store, processes=processes, told=told.append)


def deadline(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds, clock=SystemClock())


def test_the_script_and_the_rules_in_python_give_the_same(redis_url: str) -> None:
    store = _Recording(store_of(redis_url))
    chance = random.Random(7)
    slots: list[int] = []
    for _ in range(120):
        cut = chance.randint(0, len(slots))
        used = tuple((until, until - chance.randint(0, 200), 1) for until in slots[:cut] if chance.random() < 0.6)
        unused = tuple((until, 1) for until in slots[cut:] if chance.random() < 0.4)
        hold = 150 if chance.random() < 0.03 else 0
        apart = ((1, chance.randint(0, 400)),) if chance.random() < 0.05 else ()
        ask = Ask(
            rules=rules(),
            want=chance.randint(0, 4),
            horizon_ms=300,
            used=used,
            unused=unused,
            apart=apart,
            hold_ms=hold,
        )
        given = store.ask(ask)
        slots = [at + ask.validity_ms for at in given.slots]
        time.sleep(chance.random() * 0.02)
    contents: list[Content] = [{}, {}]
    for ask, given in store.asked:
        assert give(contents, ask, now=given.now_ms) == given


def test_a_pause_that_one_process_was_asked_for_holds_back_the_others(redis_url: str) -> None:
    told: list[str | None] = []
    one, other = limited(store_of(redis_url), told), limited(store_of(redis_url), told)
    one.admit(deadline())
    one.hold(2.0)
    one.tend()
    began = time.monotonic()
    other.admit(deadline())
    assert time.monotonic() - began >= 1.9
    one.hold(60)
    with pytest.raises(RateLimited, match="the vendor asked for a pause") as refused:
        one.admit(deadline(5))
    assert refused.value.retry_after_seconds is not None


def test_with_the_store_down_a_process_takes_its_share_says_so_once_and_goes_back(own_service: StartService) -> None:
    server = own_service(SERVICE)
    told: list[str | None] = []
    rate = limited(store_of(server.url), told)
    rate.admit(deadline())
    server.process.stop()
    time.sleep(1.1)  # what it held is over
    began = time.monotonic()
    for _ in range(6):
        rate.admit(deadline())
    # 20 a second, for 4 processes: one in 0.2 s.
    assert time.monotonic() - began >= 0.9
    assert len(told) == 1
    assert "at most one request in 0.2 s" in str(told[0])


def test_requests_of_the_time_without_the_store_are_told_to_it(redis_url: str) -> None:
    class Flaky:
        down = False

        def ask(self, ask: Ask) -> Given:
            if self.down:
                raise StateUnavailable("down for a while")
            return store_of(redis_url).ask(ask)

    flaky, told = Flaky(), []  # type: ignore[var-annotated]
    moment = [time.monotonic()]
    rate = SharedRate(rules(), flaky, processes=4, told=told.append, ticks=lambda: time.monotonic() + moment[0])
    flaky.down = True
    rate.admit(deadline())
    rate.admit(deadline())
    flaky.down = False
    moment[0] += 6  # the store is asked again
    rate.tend()
    assert told == [told[0], None]
    import redis

    with redis.Redis.from_url(redis_url) as client:
        assert client.exists("{finport}:rate:own")


def test_where_the_limits_lie_is_a_connection(redis_url: str) -> None:
    from urllib.parse import urlsplit

    address = urlsplit(redis_url)
    spec: dict[str, Any] = {"conn_type": "redis", "host": address.hostname, "port": address.port}
    connections = EnvironmentConnections({"AIRFLOW_CONN_FINPORT_LIMITS": json.dumps({**spec, "password": "wrong"})})
    with pytest.raises(StateUnavailable, match="finport_limits") as refused:
        RedisRates(connections.get("finport_limits")).ask(Ask(rules=rules(), want=1, horizon_ms=0))
    assert "wrong" not in str(refused.value)


def test_the_limits_of_a_state_database_are_told_apart_by_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    State(url, SystemClock()).upgrade()
    store = store_of(url)
    for key in ("one", "two"):
        of = Rule(key=key, requests=5, window_ms=1000, burst=5)
        assert len(store.ask(Ask(rules=(of,), want=9, horizon_ms=0)).slots) == 5
