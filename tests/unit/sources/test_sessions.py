"""Sessions are lent to one use at a time, kept, and never more than allowed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.sources.files.sessions import Sessions
from tests.conformance.sources.access import access


@dataclass
class Line:
    """A session that remembers how it fared."""

    usable: bool = True
    closed: bool = False

    def is_usable(self) -> bool:
        return self.usable

    def close(self) -> None:
        self.closed = True


class Exchange:
    """Begins sessions."""

    def __init__(self, *, most: int = 2, seconds: float = 10) -> None:
        self.lines: list[Line] = []
        self.sessions = Sessions(self._begin, access(None, connections=most, seconds=seconds))

    def _begin(self) -> Line:
        self.lines.append(Line())
        return self.lines[-1]


def test_one_session_serves_one_use_after_the_other() -> None:
    exchange = Exchange()
    for _ in range(3):
        with exchange.sessions.lent():
            pass
    assert exchange.lines == [Line()]


def test_two_uses_at_a_time_have_two() -> None:
    exchange = Exchange()
    with exchange.sessions.lent() as one, exchange.sessions.lent() as other:
        assert one is not other


def test_a_session_whose_use_failed_is_closed() -> None:
    exchange = Exchange()
    with pytest.raises(ZeroDivisionError), exchange.sessions.lent():
        raise ZeroDivisionError
    with exchange.sessions.lent() as next_one:
        assert exchange.lines == [Line(closed=True), next_one]


def test_a_session_that_broke_meanwhile_is_replaced() -> None:
    exchange = Exchange()
    with exchange.sessions.lent() as one:
        pass
    one.usable = False
    with exchange.sessions.lent() as other:
        assert other is not one
    assert one.closed


def test_one_that_ends_out_of_order_is_not_kept() -> None:
    exchange = Exchange()
    with exchange.sessions.lent() as one:
        one.usable = False
    assert one.closed


def test_who_finds_all_in_use_until_the_deadline_is_told() -> None:
    exchange = Exchange(most=1, seconds=0.05)
    with (
        exchange.sessions.lent(),
        pytest.raises(SourceUnavailable, match=r"prices: all its sessions are in use"),
        exchange.sessions.lent(),
    ):
        pass
    with exchange.sessions.lent():
        pass


def test_a_login_that_fails_leaves_its_place() -> None:
    exchange = Exchange(most=1)

    def fail() -> Line:
        raise SourceUnavailable("prices: down.", hint="wait")

    exchange.sessions = Sessions(fail, access(None, connections=1))
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="down"), exchange.sessions.lent():
            pass


def test_those_that_are_free_end_with_whoever_lent_them() -> None:
    exchange = Exchange()
    with exchange.sessions.lent() as one:
        pass
    del exchange.sessions
    assert one.closed
