"""One limit for many processes, over each store that may hold it: never one request too many."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.resilience.window import Rule
from finport_ingestion.engine.state.state import State
from tests.services.limiter_process import Load, recorded

_PROCESSES = 8
_STORES = ("redis", "postgresql", "sqlite")


@pytest.fixture(params=_STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        yield request.getfixturevalue("redis_url")
        return
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


def rule(requests: int, seconds: int, burst: int | None = None) -> Rule:
    return Rule(key=secrets.token_hex(4), requests=requests, window_ms=seconds * 1000, burst=burst or requests)


def test_eight_processes_never_send_one_more_than_the_limit_and_use_it(store_url: str) -> None:
    own, of_all = rule(200, 5), rule(2000, 5)
    found = recorded(Load(store=store_url, rules=(own, of_all), seconds=16, processes=_PROCESSES))
    assert found.most_in(5) <= 200
    assert len(found.sent) >= 0.95 * 200 * 16 / 5
    assert found.told == []


def test_the_limit_of_all_sources_holds_beside_that_of_one(store_url: str) -> None:
    found = recorded(Load(store=store_url, rules=(rule(1000, 2), rule(50, 2)), seconds=5, processes=4))
    assert found.most_in(2) <= 50
    assert len(found.sent) >= 50


def test_a_burst_spends_the_window_and_adds_nothing_to_it(store_url: str) -> None:
    found = recorded(Load(store=store_url, rules=(rule(60, 6, burst=10),), seconds=7, processes=2))
    assert found.most_in(6) <= 60
    # 10 at once, and then one in 100 ms.
    assert found.most_in(0.9) <= 10 + 9 + 1


def test_what_a_process_leaves_unused_others_can_use(store_url: str) -> None:
    shared = rule(100, 4)
    slow = Load(store=store_url, rules=(shared,), seconds=2, processes=4, pause=0.4)
    before = recorded(slow)
    after = recorded(Load(store=store_url, rules=(shared,), seconds=2, processes=4))
    assert len(before.sent) < 40
    assert len(before.sent) + len(after.sent) >= 96
