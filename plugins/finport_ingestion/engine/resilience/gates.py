"""The gates of this process: one set of limits for each credential, one gate for each source that is opened."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.config.models.settings import SecuritySettings, Settings, parse_rate
from finport_ingestion.engine.errors import FinportError, MissingConnection, TransientError
from finport_ingestion.engine.events.event import Event, EventType
from finport_ingestion.engine.resilience.breaker import Breaker
from finport_ingestion.engine.resilience.circuit import Change, Content, Turn
from finport_ingestion.engine.resilience.credential_gate import CredentialGate, Limits
from finport_ingestion.engine.resilience.forecast import FORECAST_RUNS, Forecast
from finport_ingestion.engine.resilience.quota import DayQuota, local_day
from finport_ingestion.engine.resilience.redis_rates import CONNECTION, RedisRates
from finport_ingestion.engine.resilience.session import Session
from finport_ingestion.engine.resilience.shared_rate import SharedRate
from finport_ingestion.engine.resilience.watch import Story, Watch
from finport_ingestion.engine.resilience.window import Rule

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.connections import Connections
    from finport_ingestion.engine.resilience.requests import Requests
    from finport_ingestion.engine.resilience.slots import RateStore
    from finport_ingestion.engine.state.apis import Apis
    from finport_ingestion.engine.step import RunKey

log = logging.getLogger(__name__)

ALL_SOURCES = "*"
"""The key of the rate that all sources share."""
_CHANGED = {
    "open": EventType.CIRCUIT_OPENED,
    "half-open": EventType.CIRCUIT_TRIED,
    "closed": EventType.CIRCUIT_CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who opens a gate: a source, in a run, with its settings."""

    source: str
    run: RunKey | None
    settings: Settings
    endpoint: str | None = None  # path of its requests: some are sent although the day's are used


class Gates:
    """Makes gates over the stores of one project. Safe to make before a fork."""

    def __init__(self, apis: Apis, connections: Connections, clock: Clock) -> None:
        self._apis, self._connections, self._clock = apis, connections, clock
        self._lock = threading.Lock()
        self._shared: dict[tuple[int, str, str], CredentialGate] = {}
        self._store: tuple[int, RateStore] | None = None

    @contextlib.contextmanager
    def watched(self, run: RunKey | None = None) -> Iterator[Watch]:
        """Gates that are opened within are closed at the end, and what happened at them is in the watch's notes.

        Args:
            run: Whose requests are counted; None where somebody only looks.
        """
        watch = Watch(self, run)
        try:
            yield watch
        finally:
            watch.close()

    def shared(self, key: str, user: User, story: Story) -> CredentialGate:
        """The limits of a credential in this process."""
        identity = (os.getpid(), key, user.settings.limits.model_dump_json() + user.settings.circuit.model_dump_json())
        with self._lock:
            if identity not in self._shared:
                self._shared[identity] = CredentialGate(key, self._limits(key, user, story))
            return self._shared[identity]

    def forget(self, gate: CredentialGate) -> None:
        """Nobody uses it any more: the next one to come tells its own story."""
        with self._lock:
            self._shared = {identity: one for identity, one in self._shared.items() if one is not gate}

    def count(self, run: RunKey, requests: Requests, *, key: str) -> None:
        """Enter what a source sent."""
        try:
            self._apis.add_requests(run, requests, key=key)
        except TransientError as error:
            log.warning("%s: the requests of run %s are not counted: %s", requests.source, run.run_id, error)

    def forecast(self, key: str, user: User) -> Forecast | None:
        """Whether the day's requests suffice for a run; None where no quota is stated."""
        quota = user.settings.limits.quota
        if quota.requests is None:
            return None
        used = self._apis.quota_used(key, self.quota_day(user))
        past = [requests.counted for requests in self._apis.requests(user.source, limit=FORECAST_RUNS)]
        return Forecast(quota=quota.requests, used=used, needed=max(past, default=None))

    def tell(
        self, event_type: EventType, user: User, *, once_for: str | None = None, **facts: str | float | None
    ) -> None:
        """Write an event; where that is not possible now, only the log has it."""
        try:
            self._apis.announce(self._event(event_type, user, once_for=once_for, **facts), run=user.run)
        except FinportError as error:
            log.warning("%s: event %s is not written: %s", user.source, event_type, error)

    def audit(self, user: User) -> None:
        """Count, and tell, each weaker protection that the run uses."""
        run = user.run
        for measure, reason in lowered_by(user.settings.security):
            if run is None:
                return
            once = f"{run} {measure}"
            events = self._event(EventType.PROTECTION_LOWERED, user, once_for=once, measure=measure, reason=reason)
            self._apis.lower(run, user.source, measure=measure, reason=reason, events=events)

    def quota_day(self, user: User) -> str:
        """Today, where the provider counts."""
        from zoneinfo import ZoneInfo

        return local_day(self._clock.now(), ZoneInfo(user.settings.limits.quota.time_zone))

    def _limits(self, key: str, user: User, story: Story) -> Limits:
        limits = user.settings.limits
        quota = DayQuota(key, limits.quota, self._apis, processes=limits.processes, clock=self._clock)
        return Limits(
            rate=SharedRate(
                rules_of(key, user.settings),
                self._rates(),
                processes=limits.processes,
                told=lambda reason: self._told_of_store(reason, user, story),
            ),
            breaker=Breaker(key, user.settings.circuit, _Circuits(self._apis, self, user, story)),
            session=Session(key, self._apis, most=limits.sessions, lasts=limits.session_timeout),
            quota=quota if limits.quota.requests else None,
            priority=limits.quota.priority,
        )

    def _rates(self) -> RateStore:
        if self._store is None or self._store[0] != os.getpid():
            try:
                store: RateStore = RedisRates(self._connections.get(CONNECTION))
            except MissingConnection:
                store = self._apis.rates
            self._store = os.getpid(), store
        return self._store[1]

    def _told_of_store(self, reason: str | None, user: User, story: Story) -> None:
        if reason is None:
            log.info("%s: the store of the rates is back", user.source)
            story.add("the store of the rates is back: the whole rate holds again")
            self.tell(EventType.LIMITER_BACK, user)
        else:
            log.warning("%s: %s", user.source, reason)
            story.add(reason)
            self.tell(EventType.LIMITER_LOST, user, reason=reason)

    def _event(
        self, event_type: EventType, user: User, *, once_for: str | None = None, **facts: str | float | None
    ) -> Sequence[Event]:
        relays = user.settings.events.relays
        at = self._clock.now()
        return [
            Event.of_api(event_type, user.source, at=at, facts=facts, run=user.run, once_for=once_for, relays=relays)
        ]

    def events_of(self, found: object, user: User, key: str) -> Sequence[Event]:
        """The events that tell of what came of a circuit's change."""
        change = found.change if isinstance(found, Turn) else found
        if not isinstance(change, Change):
            return []
        return self._event(
            _CHANGED[change.status], user, credential=key, reason=change.reason, retry_seconds=change.retry_seconds
        )


def lowered_by(security: SecuritySettings) -> Iterator[tuple[str, str | None]]:
    """Each weaker protection that the settings allow, as the document spells it, and the reason stated for it."""
    if security.min_tls != "1.3":
        yield f"minTls {security.min_tls}", security.min_tls_reason
    if security.allow_plaintext:
        yield "allowPlaintext", security.allow_plaintext_reason
    if security.allow_private_network:
        yield "allowPrivateNetwork", None


def rules_of(key: str, settings: Settings) -> tuple[Rule, ...]:
    """The credential's own rate, and that of all sources."""
    limits = settings.limits
    return tuple(
        Rule(key=name, requests=requests, window_ms=seconds * 1000, burst=min(limits.burst, requests))
        for name, (requests, seconds) in ((key, parse_rate(limits.rate)), (ALL_SOURCES, parse_rate(limits.global_rate)))
    )


class _Circuits:
    """breaker.py, CircuitStore."""

    def __init__(self, apis: Apis, gates: Gates, user: User, story: Story) -> None:
        self._apis, self._gates, self._user, self._story = apis, gates, user, story

    def change(self, key: str, how: Callable[[Content, datetime], Any]) -> Any:
        found = self._apis.change_circuit(
            key, how, lambda result: self._gates.events_of(result, self._user, key), self._user.run
        )
        change = found.change if isinstance(found, Turn) else found
        if isinstance(change, Change):
            log.warning("%s: the circuit is %s: %s", self._user.source, change.status, change.reason)
            self._story.add(f"circuit {change.status}: {change.reason}")
        return found

    def content(self, key: str) -> Content:
        return self._apis.circuit(key)
