"""The slots that this process holds: asked of the shared store in batches, used one by one without it.

The store's times are mapped to this process's monotonic clock by the moments before and after the call, always to the
careful side; so machines need no common clock.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from finport_ingestion.engine.resilience.window import Ask, Given, Rule

HORIZON_MS = 1000
"""So far ahead slots are taken for callers that wait: longer would ignore what a vendor asks for meanwhile."""
_BATCH_SHARE = 0.1


class RateStore(Protocol):
    """What all processes share of the rates."""

    def ask(self, ask: Ask) -> Given:
        """Give slots, by the store's own clock, one caller after the other.

        Raises:
            TransientError: The store does not answer; what was told may be lost, and counts against the limit then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to send one request between two moments of this process."""

    at: float
    until: float
    until_ms: int  # of the store
    lag: float  # add to a moment of this process, in seconds, for the latest time of the store that it may be


class Slots:
    """See the module. Methods may be called from any thread; only `refill` and `give_back` do I/O."""

    def __init__(self, rules: tuple[Rule, ...], store: RateStore, ticks: Callable[[], float] = time.monotonic) -> None:
        self._rules, self._store, self._ticks = rules, store, ticks
        self._lock = threading.Lock()
        self._io = threading.Lock()
        self._held: deque[Slot] = deque()
        self._used: Counter[tuple[int, int]] = Counter()
        self._unused: Counter[int] = Counter()
        self._apart: list[float] = []
        self._hold_until = 0.0
        self._hold_untold = False
        self._expected = 1
        self._given = 0
        self._most = max(1, math.floor(min(rule.requests for rule in rules) * _BATCH_SHARE))

    def take_now(self) -> bool:
        """Use a slot that is open at this moment, if one is held."""
        with self._lock:
            now = self._ticks()
            self._drop_expired(now)
            if not self._held or self._held[0].at > now or self._hold_until > now:
                return False
            self._use(self._held.popleft(), now)
            return True

    def reserve(self) -> Slot | None:
        """The next slot that is held, open or not yet; `use` it once it is."""
        with self._lock:
            self._drop_expired(self._ticks())
            return self._held.popleft() if self._held else None

    def put_back(self, slot: Slot) -> None:
        """A reserved slot is not wanted."""
        with self._lock:
            self._held.appendleft(slot)

    def use(self, slot: Slot) -> bool:
        """Send now; False where the slot's time is over, or the vendor has asked to wait."""
        with self._lock:
            now = self._ticks()
            if now > slot.until or self._hold_until > now:
                self._unused[slot.until_ms] += 1
                return False
            self._use(slot, now)
            return True

    def refill(self, waiting: int) -> float | None:
        """Ask the store for slots for `waiting` callers; in how many seconds to ask again, None where enough came.

        Raises:
            TransientError: The store does not answer.
        """
        with self._io:
            with self._lock:
                self._drop_expired(self._ticks())
                self._adapt()
                want = max(waiting, min(self._expected, self._most)) - len(self._held)
                if want <= 0:
                    return None
            return self._ask(want)

    def give_back(self, *, all_of_them: bool = False) -> None:
        """Tell the store what was used, and return what expired; with `all_of_them`, every slot that is held."""
        with self._io:
            with self._lock:
                self._drop_expired(self._ticks())
                if all_of_them:
                    self._unused.update(slot.until_ms for slot in self._held)
                    self._held.clear()
                if not self._has_news():
                    return
            self._ask(0)

    def hold(self, seconds: float) -> None:
        """The vendor asks for a pause: nothing more is sent here, nor by others once `give_back` has told them."""
        with self._lock:
            until = self._ticks() + seconds
            if until > self._hold_until:
                self._hold_until, self._hold_untold = until, True
                self._unused.update(slot.until_ms for slot in self._held)
                self._held.clear()

    def sent_apart(self) -> None:
        """A request was sent while the store could not be asked; it learns of it later."""
        with self._lock:
            self._apart.append(self._ticks())

    @property
    def hold_seconds(self) -> float:
        """What is left of a pause that the vendor asked for."""
        with self._lock:
            return max(0.0, self._hold_until - self._ticks())

    @property
    def has_news(self) -> bool:
        """Whether `give_back` would tell something of use to others."""
        with self._lock:
            self._drop_expired(self._ticks())
            return self._has_news()

    def _has_news(self) -> bool:
        return bool(self._used or self._unused or self._apart or self._hold_untold)

    def _ask(self, want: int) -> float | None:
        # What is told is told once: a second time would free what others hold.
        ask = self._told(want)
        before = self._ticks()
        given = self._store.ask(ask)
        after = self._ticks()
        with self._lock:
            self._apart.clear()
            self._hold_untold = False
            for at in given.slots:
                until_ms = at + ask.validity_ms
                opens = after + (at - given.now_ms) / 1000 if at > given.now_ms else before
                until = before + (until_ms - given.now_ms) / 1000
                self._held.append(Slot(opens, until, until_ms, given.now_ms / 1000 - before))
            self._given += len(given.slots)
        if given.next_ms is None:
            return None
        return max(0.001, (given.next_ms - HORIZON_MS / 4 - given.now_ms) / 1000)

    def _told(self, want: int) -> Ask:
        with self._lock:
            now = self._ticks()
            used = tuple((until, at, count) for (until, at), count in self._used.items())
            unused = tuple(self._unused.items())
            self._used.clear()
            self._unused.clear()
            return Ask(
                rules=self._rules,
                want=want,
                horizon_ms=HORIZON_MS,
                used=used,
                unused=unused,
                apart=tuple((1, max(0, math.floor((now - at) * 1000))) for at in self._apart),
                hold_ms=math.ceil(max(0.0, self._hold_until - now) * 1000) if self._hold_untold else 0,
            )

    def _use(self, slot: Slot, now: float) -> None:
        self._used[slot.until_ms, math.ceil((now + slot.lag) * 1000)] += 1

    def _drop_expired(self, now: float) -> None:
        while self._held and self._held[0].until < now:
            self._unused[self._held.popleft().until_ms] += 1

    def _adapt(self) -> None:
        """Ask for twice as many when the last batch was used up in time, for fewer when it was not."""
        left = sum(self._unused.values()) + len(self._held)
        if left == 0 and self._given:
            self._expected = min(self._expected * 2, self._most)
        elif self._given:
            self._expected = max(1, self._given - left)
        self._given = 0
