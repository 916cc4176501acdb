"""The sliding window: what is given, what is told, and that no order of both gives one request too many."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.resilience.window import Ask, Content, Given, Rule, give


def rule(requests: int = 10, seconds: int = 10, burst: int | None = None, key: str = "a") -> Rule:
    return Rule(key=key, requests=requests, window_ms=seconds * 1000, burst=burst or requests)


def ask(content: Content, of: Rule, want: int, *, now: int, horizon: int = 1000, **told: object) -> Given:
    return give([content], Ask(rules=(of,), want=want, horizon_ms=horizon, **told), now=now)  # type: ignore[arg-type]


def test_what_is_free_is_given_at_once_and_the_rest_when_the_window_has_passed() -> None:
    content: Content = {}
    first = ask(content, rule(), 12, now=0)
    assert first.slots == (0,) * 10
    used = ((first.now_ms + 500, 0, 10),)
    again = ask(content, rule(), 1, now=20, used=used)
    assert (again.slots, again.next_ms) == ((), 10_100)
    assert ask(content, rule(), 1, now=9500).slots == (10_100,)


def test_a_slot_that_nobody_speaks_of_counts_as_sent_at_its_end() -> None:
    content: Content = {}
    ask(content, rule(1), 1, now=0)
    assert ask(content, rule(1), 1, now=20).next_ms == 500 + 10_000 + 100


def test_what_is_returned_is_free_again() -> None:
    content: Content = {}
    ask(content, rule(), 10, now=0)
    assert ask(content, rule(), 4, now=600, unused=((500, 4),)).slots == (600,) * 4


def test_more_than_was_given_cannot_be_returned() -> None:
    content: Content = {}
    ask(content, rule(), 2, now=0)
    ask(content, rule(), 0, now=10, unused=((500, 50),))
    assert len(ask(content, rule(), 50, now=20).slots) == 10


def test_a_pause_that_the_vendor_asks_for_holds_until_its_end() -> None:
    content: Content = {}
    ask(content, rule(), 0, now=0, hold_ms=7000)
    assert ask(content, rule(), 1, now=100).next_ms == 7000
    assert ask(content, rule(), 1, now=6500).slots == (7000,)


def test_requests_that_were_sent_without_the_store_are_counted_when_it_is_back() -> None:
    content: Content = {}
    ask(content, rule(2), 0, now=20_000, apart=((1, 4000), (1, 2000)))
    assert ask(content, rule(2), 1, now=20_000).next_ms == 16_000 + 10_000 + 100


def test_a_burst_is_spaced_when_it_is_spent() -> None:
    content: Content = {}
    given_ = ask(content, rule(10, 10, burst=3), 6, now=0, horizon=5000)
    assert given_.slots == (0, 0, 0, 1000, 2000, 3000)


def test_the_tighter_of_two_rules_decides() -> None:
    contents: list[Content] = [{}, {}]
    rules = (rule(10), rule(4, key="*"))
    assert len(give(contents, Ask(rules=rules, want=10, horizon_ms=1000), now=0).slots) == 4


def test_a_busy_key_holds_no_more_than_a_thousand_times() -> None:
    content: Content = {}
    fast = rule(1_000_000, 60)
    for now in range(0, 120_000, 7):
        ask(content, fast, 50, now=now)
    assert len(content["sent"]) <= 1100


_STEPS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(0, 6), st.integers(0, 6), st.integers(0, 500)), min_size=1, max_size=60
)


@settings(deadline=None)
@given(steps=_STEPS, requests=st.integers(1, 8), burst=st.integers(1, 8))
def test_no_window_holds_more_requests_than_allowed_whatever_holders_do(
    steps: Sequence[tuple[int, int, int, int]], requests: int, burst: int
) -> None:
    """Each holder sends some of its slots, late or not, tells of some of them, returns some, and forgets the rest."""
    of = rule(requests, 5, burst=min(burst, requests))
    content: Content = {}
    sent: list[int] = []
    used: list[tuple[int, int, int]] = []
    unused: list[tuple[int, int]] = []
    now = 0
    for pause, want, sends, late in steps:
        now += pause
        answer = ask(content, of, want, now=now, used=tuple(used), unused=tuple(unused))
        used, unused = [], []
        for number, at in enumerate(answer.slots):
            until = at + of.validity_ms
            if number < sends:
                sent.append(min(at + late, until))
                if number % 2 == 0:
                    used.append((until, sent[-1], 1))
            elif number % 3 == 0:
                unused.append((until, 1))
    for start in sent:
        assert sum(start <= at < start + of.window_ms for at in sent) <= requests
