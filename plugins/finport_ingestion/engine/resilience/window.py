"""Which requests may be sent when: a sliding window per credential, kept as a few numbers in a shared store.

A slot is the right to send one request between `at` and `until`. Until its holder says when it was used, it counts as
sent at `until`; so whatever the holders do, no window of the rule's length ever holds more than `requests` of them.
`_SPREAD` of the length is kept free behind each request, since it leaves a process, and reaches the vendor, a little
later than the process says.

Times are whole milliseconds of the store's clock. `rate_script.py` says the same in Lua.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_SPREAD = 0.01
_LEAST_SPREAD_MS = 10
_MOST_SPREAD_MS = 500
_LEAST_VALIDITY_MS = 250
"""Longer than a store takes that many ask at once."""
_MOST_VALIDITY_MS = 1000
"""Slots that are held do not know of a pause that the vendor asks for meanwhile."""
_GRAINS = 1000
"""A window's times are rounded up to a thousandth of it, so that a busy key holds a thousand numbers, not all."""

Content = dict[str, Any]
"""`sent`: [[time, count], ...] in order; `window`: of the longest rule; `next`: when the spacing is over; `held`: until
when nothing is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """At most `requests` in any `window_ms`, of which `burst` may follow each other without a pause."""

    key: str
    requests: int
    window_ms: int
    burst: int

    @property
    def spread_ms(self) -> int:
        return min(max(round(self.window_ms * _SPREAD), _LEAST_SPREAD_MS), _MOST_SPREAD_MS)

    @property
    def grain_ms(self) -> int:
        return max(1, self.window_ms // _GRAINS)

    @property
    def validity_ms(self) -> int:
        """How long a slot may be used."""
        return min(max(self.window_ms // 20, _LEAST_VALIDITY_MS), _MOST_VALIDITY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a process wants of the store, and what it says of the slots that it got before."""

    rules: tuple[Rule, ...]
    want: int
    horizon_ms: int  # slots that begin later than that are not given
    used: tuple[tuple[int, int, int], ...] = ()  # until, when sent, how many
    unused: tuple[tuple[int, int], ...] = ()  # until, how many
    apart: tuple[tuple[int, int], ...] = ()  # how many were sent without the store, and how many ms ago
    hold_ms: int = 0  # what the vendor asked for: nothing is sent for so long

    @property
    def validity_ms(self) -> int:
        return min(rule.validity_ms for rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The beginnings of the slots, in order; without enough of them, when to ask again."""

    now_ms: int
    slots: tuple[int, ...]
    next_ms: int | None  # None: all that was wanted was given


@dataclass(slots=True)
class _Ledger:
    """One rule's content while slots are given."""

    rule: Rule
    content: Content
    count: int = 0
    index: int = 0  # of the entry that must have left the window for the next slot
    before: int = 0  # how many lie before that entry
    longest: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.longest = max(int(self.content.get("window", 0)), self.rule.window_ms)
        self.content["window"] = self.longest

    @property
    def sent(self) -> list[list[int]]:
        entries: list[list[int]] = self.content.setdefault("sent", [])
        return entries

    def forget(self, now: int) -> None:
        oldest = now - self.longest - _MOST_SPREAD_MS
        kept = bisect.bisect_right(self.sent, oldest, key=lambda entry: entry[0])
        del self.sent[:kept]
        self.count = sum(entry[1] for entry in self.sent)

    def add(self, at: int, count: int) -> None:
        at = self.grained(at)
        index = bisect.bisect_left(self.sent, at, key=lambda entry: entry[0])
        if index < len(self.sent) and self.sent[index][0] == at:
            self.sent[index][1] += count
        else:
            self.sent.insert(index, [at, count])
        self.count += count

    def take(self, at: int, count: int) -> int:
        """Remove up to `count` slots that were to be used until `at`; how many there were."""
        at = self.grained(at)
        index = bisect.bisect_left(self.sent, at, key=lambda entry: entry[0])
        if index == len(self.sent) or self.sent[index][0] != at:
            return 0
        taken = min(count, self.sent[index][1])
        self.sent[index][1] -= taken
        self.count -= taken
        if self.sent[index][1] == 0:
            del self.sent[index]
        return taken

    def grained(self, at: int) -> int:
        return math.ceil(at / self.rule.grain_ms) * self.rule.grain_ms

    def free_at(self, now: int) -> int:
        """When the window has room for one more, by the entries alone."""
        over = self.count - self.rule.requests
        if over < 0:
            return now
        while self.before + self.sent[self.index][1] <= over:
            self.before += self.sent[self.index][1]
            self.index += 1
        return self.sent[self.index][0] + self.rule.window_ms + self.rule.spread_ms

    def spaced_at(self) -> int:
        pause = self.rule.window_ms / self.rule.requests
        return math.ceil(float(self.content.get("next", 0)) - (self.rule.burst - 1) * pause)

    def space(self, at: int) -> None:
        self.content["next"] = max(float(self.content.get("next", 0)), at) + self.rule.window_ms / self.rule.requests

    def unspace(self, count: int) -> None:
        self.content["next"] = float(self.content.get("next", 0)) - count * self.rule.window_ms / self.rule.requests


def give(contents: Sequence[Content], ask: Ask, *, now: int) -> Given:
    """Enter what is told and give slots; `contents` (one for each rule) are changed in place."""
    ledgers = [_Ledger(rule, content) for rule, content in zip(ask.rules, contents, strict=True)]
    for ledger in ledgers:
        _enter(ledger, ask, now=now)
    if ask.hold_ms:
        # The vendor's answer is about the credential, which is the first rule.
        ledgers[0].content["held"] = max(int(ledgers[0].content.get("held", 0)), now + ask.hold_ms)
    slots: list[int] = []
    for _ in range(ask.want):
        at = max([now, *_earliest(ledgers, now)])
        if at > now + ask.horizon_ms:
            return Given(now_ms=now, slots=tuple(slots), next_ms=at)
        for ledger in ledgers:
            ledger.add(at + ask.validity_ms, 1)
            ledger.space(at)
        slots.append(at)
    return Given(now_ms=now, slots=tuple(slots), next_ms=None)


def _enter(ledger: _Ledger, ask: Ask, *, now: int) -> None:
    ledger.forget(now)
    for until, at, count in ask.used:
        taken = ledger.take(until, count)
        if taken:
            ledger.add(min(at, until), taken)
    for until, count in ask.unused:
        ledger.unspace(ledger.take(until, count))
    for count, age in ask.apart:
        ledger.add(now - age, count)


def _earliest(ledgers: Iterable[_Ledger], now: int) -> Iterable[int]:
    for ledger in ledgers:
        yield ledger.free_at(now)
        yield ledger.spaced_at()
        yield int(ledger.content.get("held", 0))
