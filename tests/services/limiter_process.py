"""Processes that ask a shared limiter as fast as they can, and write down when they were let through."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import RateLimited
from finport_ingestion.engine.resilience.redis_rates import CONNECTION, RedisRates
from finport_ingestion.engine.resilience.shared_rate import SharedRate
from finport_ingestion.engine.resilience.slots import RateStore
from finport_ingestion.engine.resilience.window import Ask, Rule
from finport_ingestion.engine.state.database import Database
from finport_ingestion.engine.state.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEND_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What each process does."""

    store: str  # url: redis://, sqlite:///, postgresql+psycopg://
    rules: tuple[Rule, ...]
    seconds: float
    processes: int = 8
    pause: float = 0.0  # between two requests of a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """When requests were sent, on the machine's monotonic clock, and how long each was kept."""

    sent: list[float]
    kept: list[float] = field(repr=False)
    told: list[str]

    def most_in(self, seconds: float) -> int:
        """The most requests in any window of that length that begins with a request."""
        first = most = 0
        for last, at in enumerate(self.sent):
            while at - self.sent[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


def store_of(url: str) -> RateStore:
    """The store that lies at `url`."""
    if url.startswith("redis"):
        return RedisRates(EnvironmentConnections({f"AIRFLOW_CONN_{CONNECTION.upper()}": url}).get(CONNECTION))
    return Rates(Database(url), SystemClock())


def recorded(load: Load) -> Recorded:
    """Run the processes to their end."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.Queue()
    start = context.Barrier(load.processes)
    processes = [context.Process(target=_work, args=(load, start, answers)) for _ in range(load.processes)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=load.seconds + 60) for _ in processes]
    for process in processes:
        process.join(10)
    return Recorded(
        sent=sorted(_all(found, 0)), kept=sorted(_all(found, 1)), told=[text for one in found for text in one[2]]
    )


def _all(found: Sequence[Any], index: int) -> Iterator[float]:
    for one in found:
        yield from one[index]


def _work(load: Load, start: Any, answers: Any) -> None:
    told: list[str] = []
    store = store_of(load.store)
    store.ask(Ask(rules=load.rules, want=0, horizon_ms=0))  # what is imported at the first call takes no part
    rate = SharedRate(load.rules, store, processes=load.processes, told=lambda text: told.append(str(text)))
    sent: list[float] = []
    kept: list[float] = []
    start.wait()
    ends = threading.Event()
    tending = threading.Thread(target=_tend, args=(rate, ends))
    tending.start()
    deadline = Deadline.after(load.seconds, clock=SystemClock())
    while deadline.seconds_left() > 0:
        began = time.monotonic()
        try:
            if not rate.admitted_now():
                rate.admit(deadline)
        except RateLimited:
            break
        sent.append(time.monotonic())
        kept.append(sent[-1] - began)
        if load.pause:
            time.sleep(load.pause)
    ends.set()
    tending.join()
    rate.settle()
    answers.put((sent, kept, told))


def _tend(rate: SharedRate, ends: threading.Event) -> None:
    while not ends.wait(_TEND_SECONDS):
        rate.tend()
