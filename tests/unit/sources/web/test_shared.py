"""What is opened by the first and closed by the last who uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from finport_ingestion.engine.sources.web.shared import Shared


class Door:
    def __init__(self) -> None:
        self.events: list[str] = []

    @contextmanager
    def opened(self) -> Iterator[str]:
        self.events.append("open")
        yield f"use {self.events.count('open')}"
        self.events.append("close")


def test_users_at_the_same_time_share_one() -> None:
    door = Door()
    shared = Shared(door.opened)
    with shared.used() as one:
        with shared.used() as other:
            assert one == other == "use 1"
        assert door.events == ["open"]
    assert door.events == ["open", "close"]


def test_later_users_get_another() -> None:
    door = Door()
    shared = Shared(door.opened)
    with shared.used() as one:
        pass
    with shared.used() as other:
        assert (one, other) == ("use 1", "use 2")
    assert door.events == ["open", "close"] * 2


def test_an_error_of_opening_leaves_it_closed() -> None:
    @contextmanager
    def broken() -> Iterator[str]:
        raise LookupError("no key")
        yield "never"

    shared = Shared(broken)
    for _ in range(2):
        with pytest.raises(LookupError), shared.used():
            pass
