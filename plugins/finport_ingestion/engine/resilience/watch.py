"""The gates of one step: opened with its sources, closed at its end, and what happened at them in sentences."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from typing import TYPE_CHECKING

from finport_ingestion.engine.errors import QuotaUsed
from finport_ingestion.engine.events.event import EventType
from finport_ingestion.engine.resilience.keeper import keeper
from finport_ingestion.engine.resilience.pools import BUDGET, PoolShare
from finport_ingestion.engine.resilience.requests import Requests

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Deadline
    from finport_ingestion.engine.resilience.credential_gate import CredentialGate
    from finport_ingestion.engine.resilience.forecast import Forecast
    from finport_ingestion.engine.resilience.gate import Answer
    from finport_ingestion.engine.resilience.gates import Gates, User
    from finport_ingestion.engine.step import RunKey

_COUNTED = {"failed": "failed", "broken": "failed", "limited": "limited"}


@dataclasses.dataclass(slots=True)
class Story:
    """What happened at a gate, in sentences for the ledger."""

    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, note: str) -> None:
        """Once each."""
        if note not in self.notes:
            self.notes.append(note)


class Watch:
    """The gates of one step."""

    def __init__(self, gates: Gates, run: RunKey | None) -> None:
        self._gates = gates
        self.run = run
        self._open: list[SharedGate] = []
        self._shares: list[PoolShare] = []
        self._story = Story()

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened at the gates."""
        return tuple(self._story.notes)

    def gate(self, key: str, user: User) -> SharedGate:
        """The gate of a source that is opened now."""
        shared = self._gates.shared(key, user, self._story)
        gate = SharedGate(shared, user, self._gates)
        self._open.append(gate)
        return gate

    def audit(self, user: User) -> None:
        """Enter, and tell, that this run uses a weaker protection."""
        self._gates.audit(user)

    def tell(
        self, event_type: EventType, user: User, *, once_for: str | None = None, **facts: str | float | None
    ) -> None:
        """Write an event about a source; where that is not possible now, only the log has it."""
        self._gates.tell(event_type, user, once_for=once_for, **facts)

    def forecast(self, key: str, user: User) -> Forecast | None:
        """Whether the day's requests suffice for a run of `user`."""
        return self._gates.forecast(key, user)

    def connections(self, wanted: int) -> int:
        """So many connections of the process's budget, until the step is over."""
        share = BUDGET.take(wanted)
        self._shares.append(share)
        return share.connections

    def close(self) -> None:
        """The step is over: what was counted is entered, and what is held is given back."""
        for gate in self._open:
            gate.close()
        for share in self._shares:
            BUDGET.release(share)
        self._open.clear()
        self._shares.clear()


class SharedGate:
    """gate.py, Gate; made by a Watch."""

    def __init__(self, shared: CredentialGate, user: User, gates: Gates) -> None:
        self._shared, self._user, self._gates = shared, user, gates
        self._lock = threading.Lock()
        self._entered = False
        self._counts: Counter[str] = Counter()  # by the names of Requests

    def admitted_now(self) -> bool:
        self._enter()
        return self._shared.admitted_now(self._user.endpoint) and self._sent()

    def admit(self, deadline: Deadline) -> None:
        self._enter()
        try:
            self._shared.admit(deadline, self._user.endpoint)
        except QuotaUsed as error:
            day = f"{self._shared.key} {self._gates.quota_day(self._user)}"
            self._gates.tell(EventType.QUOTA_USED, self._user, once_for=day, wait_seconds=error.retry_after_seconds)
            raise type(error)(
                f"{self._user.source}: {error.message}",
                retry_after_seconds=error.retry_after_seconds,
                hint=error.hint,
            ) from None
        self._sent()

    def report(self, answer: Answer) -> None:
        if answer.outcome in _COUNTED:
            with self._lock:
                self._counts[_COUNTED[answer.outcome]] += 1
        if self._shared.report(answer):
            keeper().hurry()

    def close(self) -> None:
        """No more requests come of this opening."""
        with self._lock:
            entered, self._entered = self._entered, False
            requests = Requests(source=self._user.source, **self._counts)
            self._counts.clear()
        if not entered:
            return
        if self._shared.leave():
            keeper().drop(self._shared)
            self._gates.forget(self._shared)
        if self._user.run is not None and requests.sent:
            self._gates.count(self._user.run, requests, key=self._shared.key)

    def _enter(self) -> None:
        with self._lock:
            if not self._entered:
                self._entered = True
                self._shared.enter()
                keeper().keep(self._shared)

    def _sent(self) -> bool:
        counted = self._shared.counts(self._user.endpoint)
        with self._lock:
            self._counts["sent"] += 1
            self._counts["counted"] += counted
        return True
