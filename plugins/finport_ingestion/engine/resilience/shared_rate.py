"""The rate of a credential over all processes; with its store down, this process's share of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.errors import RateLimited, TransientError
from finport_ingestion.engine.resilience.rate import RateLimiter
from finport_ingestion.engine.resilience.slots import RateStore, Slot, Slots
from finport_ingestion.engine.resilience.window import Rule

_ASK_AGAIN_SECONDS = 5.0
"""How long a store that did not answer is left alone."""
_WAKE_SECONDS = 0.25

Told = Callable[[str | None], None]
"""Told once that the store is down (with the reason), and once that it is back (None)."""


class SharedRate:
    """Methods may be called from any thread; `admitted_now` and `hold` do no I/O."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        store: RateStore,
        *,
        processes: int,
        told: Told,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules, self._ticks, self._told = rules, ticks, told
        self._slots = Slots(rules, store, ticks)
        # Spread evenly: what others sent before the store went down is not known here.
        self._pause_seconds = max(rule.window_ms * processes / rule.requests for rule in rules) / 1000
        self._share = RateLimiter(1, self._pause_seconds, SystemClock())
        self._turn = threading.Condition()
        self._asking = False
        self._waiting = 0
        self._ask_at = 0.0
        self._alone_until = 0.0
        self._alone = False

    def admitted_now(self) -> bool:
        """Whether a request may be sent at once."""
        if self._ticks() < self._alone_until:
            return self._sent_apart(self._slots.hold_seconds == 0 and self._share.admitted_now())
        return self._slots.take_now()

    def admit(self, deadline: Deadline) -> None:
        """Wait until a request may be sent.

        Raises:
            RateLimited: It may not before the deadline.
        """
        while not self._admitted(deadline):
            pass

    def hold(self, seconds: float) -> None:
        """The vendor asks for a pause."""
        self._slots.hold(seconds)
        with self._turn:
            self._turn.notify_all()

    def tend(self) -> None:
        """Tell the store what it does not know yet; called now and then, and by nobody who waits."""
        if self._ticks() >= self._alone_until and self._slots.has_news:
            self._asked(self._slots.give_back)

    def settle(self) -> None:
        """No more requests come for now: give back all that is held."""
        if self._ticks() >= self._alone_until:
            self._asked(lambda: self._slots.give_back(all_of_them=True))

    def _admitted(self, deadline: Deadline) -> bool:
        held = self._slots.hold_seconds
        if held > 0:
            self._wait(held, deadline, why="the vendor asked for a pause")
            return False
        if self._ticks() < self._alone_until:
            self._share.acquire(deadline)
            return self._sent_apart(True)
        slot = self._slots.reserve()
        if slot is not None:
            return self._used(slot, deadline)
        with self._turn:
            pause = self._ask_at - self._ticks()
            if pause <= 0 and not self._asking:
                self._asking = True
            else:
                self._waiting += 1
                try:
                    self._pause(pause, deadline)
                finally:
                    self._waiting -= 1
                return False
        self._refill()
        return False

    def _pause(self, pause: float, deadline: Deadline) -> None:
        if pause > 0 and pause >= deadline.seconds_left():
            raise self._limited(pause, deadline)
        self._turn.wait(pause if pause > 0 else _WAKE_SECONDS)

    def _used(self, slot: Slot, deadline: Deadline) -> bool:
        wait = slot.at - self._ticks()
        if wait > 0:
            if wait >= deadline.seconds_left():
                self._slots.put_back(slot)
                raise self._limited(wait, deadline)
            time.sleep(wait)
        return self._slots.use(slot)

    def _refill(self) -> None:
        pause: float | None = None
        try:

            def refill() -> None:
                nonlocal pause
                pause = self._slots.refill(self._waiting + 1)

            self._asked(refill)
        finally:
            with self._turn:
                self._asking = False
                self._ask_at = self._ticks() + pause if pause is not None else 0.0
                self._turn.notify_all()

    def _asked(self, call: Callable[[], None]) -> None:
        try:
            call()
        except TransientError as error:
            self._alone_until = self._ticks() + _ASK_AGAIN_SECONDS
            if not self._alone:
                self._alone = True
                self._told(f"{error.message} This process sends at most one request in {self._pause_seconds:.3g} s.")
        else:
            if self._alone:
                self._alone = False
                self._told(None)

    def _sent_apart(self, sent: bool) -> bool:
        if sent:
            self._slots.sent_apart()
        return sent

    def _wait(self, seconds: float, deadline: Deadline, *, why: str) -> None:
        if seconds >= deadline.seconds_left():
            raise RateLimited(
                f"{why} of {seconds:.0f} s, which is longer than {deadline.what} has.",
                retry_after_seconds=seconds,
                hint="try later; the wait is the vendor's",
            )
        with self._turn:
            self._turn.wait(seconds)

    def _limited(self, seconds: float, deadline: Deadline) -> RateLimited:
        rule = self._rules[0]
        return RateLimited(
            f"the request limit of {rule.requests} in {rule.window_ms / 1000:g} s leaves no room before the time of"
            f" {deadline.what} is used up.",
            retry_after_seconds=seconds,
            hint="raise limits.rate, if the provider allows it, or the step's timeout",
        )
