"""What is known of the APIs behind the sources; as in state.py, each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from finport_ingestion.engine.resilience.requests import Requests
from finport_ingestion.engine.state import api_sessions, checks, circuits, outbox, quotas, requests, served
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.checks import Check, Health
from finport_ingestion.engine.state.rates import Rates
from finport_ingestion.engine.state.served import Lowered, Service

if TYPE_CHECKING:
    from finport_ingestion.engine.clock import Clock
    from finport_ingestion.engine.state.outbox import Fact
    from finport_ingestion.engine.state.schema import Versioned
    from finport_ingestion.engine.step import RunKey

T = TypeVar("T")


class Apis:
    """Raises as State does."""

    def __init__(self, base: Versioned, clock: Clock) -> None:
        self._base, self._clock = base, clock
        self.rates = Rates(base.database, clock)

    def announce(self, events: Sequence[Fact], run: RunKey | None = None) -> None:
        """Write events that tell of no change in here."""
        with self._base.write() as connection:
            outbox.add(connection, events, run=run)

    def change_circuit(
        self,
        key: str,
        how: Callable[[dict[str, Any], datetime], T],
        events: Callable[[T], Sequence[Fact]],
        run: RunKey | None = None,
    ) -> T:
        """Let `how` change the content of a circuit, and write the events that tell of what it returns."""
        now = self._clock.now()
        with self._base.write() as connection:
            found = circuits.change(connection, key, lambda content: how(content, now), now=now)
            outbox.add(connection, events(found), run=run)
            return found

    def circuit(self, key: str) -> dict[str, Any]:
        """How a circuit stands."""
        with self._base.read() as connection:
            return circuits.content_of(connection, key)

    def circuits(self) -> list[dict[str, Any]]:
        """Those that are not closed."""
        with self._base.read() as connection:
            return circuits.listed(connection)

    def take_quota(self, key: str, day: str, *, want: int, most: int) -> int:
        """Count requests of a day as used; how many there were left, at most `want`."""
        with self._base.write() as connection:
            return quotas.take(connection, key, day, want=want, most=most, now=self._clock.now())

    def return_quota(self, key: str, day: str, *, count: int) -> None:
        """They were counted, and not sent."""
        with self._base.write() as connection:
            quotas.give_back(connection, key, day, count=count)

    def quota_used(self, key: str, day: str) -> int:
        """How many requests of a day are used."""
        with self._base.read() as connection:
            return quotas.used(connection, key, day)

    def take_session(self, key: str, holder: str, *, most: int, lasts: timedelta) -> bool:
        """Take or renew a session of this process."""
        now = self._clock.now()
        with self._base.write() as connection:
            until = now + lasts
            return api_sessions.take(connection, key, holder, actor=Actor.current(), most=most, until=until, now=now)

    def release_session(self, key: str, holder: str) -> None:
        """The session is over."""
        with self._base.write() as connection:
            api_sessions.release(connection, key, holder)

    def sessions(self, key: str) -> int:
        """How many processes use a credential now."""
        with self._base.read() as connection:
            return api_sessions.count(connection, key, now=self._clock.now())

    def add_requests(self, run: RunKey, more: Requests, *, key: str) -> None:
        """Add to the requests of a run."""
        with self._base.write() as connection:
            requests.add(connection, run, more, key=key, now=self._clock.now())

    def requests(self, source: str, *, limit: int = 10) -> list[Requests]:
        """What the latest runs sent to a source, newest first."""
        with self._base.read() as connection:
            return requests.of_runs(connection, source, limit=limit)

    def record_check(self, check: Check, events: Callable[[bool | None], Sequence[Fact]]) -> bool | None:
        """Enter a health check, and events that may depend on what the one before it said; that."""
        with self._base.write() as connection:
            was = checks.record(connection, check)
            outbox.add(connection, events(was), run=None)
            return was

    def checks(self, source: str, *, limit: int = 20) -> list[Check]:
        """The latest checks of a source, newest first."""
        with self._base.read() as connection:
            return checks.last(connection, source, limit=limit)

    def health(self, *, limit: int = 100) -> list[Health]:
        """Of each source that was checked, what its last checks say."""
        with self._base.read() as connection:
            return checks.overview(connection, limit=limit)

    def service(self, source: str, dataset: str) -> Service | None:
        """Who serves a source now; None where it has always served itself."""
        with self._base.read() as connection:
            return served.get(connection, source, dataset)

    def set_service(self, service: Service, events: Sequence[Fact], run: RunKey | None = None) -> None:
        """Enter who serves, with the events that tell of it."""
        with self._base.write() as connection:
            served.put(connection, service)
            outbox.add(connection, events, run=run)

    def services(self) -> list[Service]:
        """Every source that is served by another one, or stale."""
        with self._base.read() as connection:
            return served.listed(connection)

    def published_runs(self, source: str, dataset: str) -> list[str]:
        """The runs whose publications of a source into a dataset stand, newest first."""
        with self._base.read() as connection:
            return served.published_runs(connection, source, dataset)

    def lower(self, run: RunKey, source: str, *, measure: str, reason: str | None, events: Sequence[Fact]) -> bool:
        """Enter, once for a run, that it uses a weaker protection."""
        with self._base.write() as connection:
            is_new = served.lower(connection, run, source, measure=measure, reason=reason, now=self._clock.now())
            outbox.add(connection, events if is_new else (), run=run)
            return is_new

    def lowered(self) -> list[Lowered]:
        """How often which source used a weaker protection."""
        with self._base.read() as connection:
            return served.lowered(connection)
