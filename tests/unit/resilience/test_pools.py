"""The budget of connections of one process."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.errors import RateLimited
from finport_ingestion.engine.resilience.pools import PoolBudget


def test_fifty_sources_with_a_hundred_connections_each_are_the_ceiling() -> None:
    budget = PoolBudget()
    shares = [budget.take(100) for _ in range(50)]
    assert sum(share.connections for share in shares) == 5000
    with pytest.raises(RateLimited, match=r"50 pools.*5000 connections"):
        budget.take(1)
    budget.release(shares[0])
    assert budget.take(10).connections == 10


def test_a_thousand_connections_of_one_source_are_ten_pools() -> None:
    budget = PoolBudget()
    assert budget.take(1000).connections == 1000
    assert budget.connections_left == 4000


def test_who_wants_more_than_is_left_gets_what_is_left() -> None:
    budget = PoolBudget(pools=2)
    budget.take(100)
    assert budget.take(1000).connections == 100
