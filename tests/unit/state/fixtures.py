"""Fixtures that are imported where they are used; `state_url` is each one's own."""

from __future__ import annotations

import pytest

from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import HandClock


@pytest.fixture
def clock() -> HandClock:
    """Monday morning, until it is moved."""
    return HandClock()


@pytest.fixture
def state(state_url: str, clock: HandClock) -> State:
    """The state at `state_url`, which is a database of this package's version where a test asks for this fixture."""
    return State(state_url, clock)


def wants_tables(request: pytest.FixtureRequest) -> bool:
    """Whether the test works with the state, and not only with its address."""
    return "state" in request.fixturenames
