"""The shared rate limiter: 8 processes that ask for ten times the limit, over each store.

Exactness is what counts: the most requests in any window, and how much of the allowed was used. Each contestant is a
store; its sample is the wall time that one grant costs where nobody has to wait for the window.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.measured import Floor, Outcome, Sample
from benchmarks.registry import Effort
from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.resilience.window import Rule
from finport_ingestion.engine.state.state import State
from tests.services import postgresql, redis_server
from tests.services.certificates import PrivateCa
from tests.services.limiter_process import Load, recorded
from tests.services.service import Found, open_workspace

STORES = ("redis", "postgresql", "sqlite")
PROCESSES = 8
_REQUESTS, _SECONDS = 1000, 10
_AT_MOST_SECONDS = 0.001


def limiter(effort: Effort) -> Outcome:
    """Never one over, at least 98 % used, and less than a millisecond a grant.

    Raises:
        AssertionError: A window held more requests than allowed, or too few were used.
    """
    rounds = effort.rounds or 1
    seconds = 2 * _SECONDS + 1 if effort.quick else 60
    facts: dict[str, str] = {"load": f"{PROCESSES} processes, {_REQUESTS} requests in {_SECONDS} s, for {seconds} s"}
    samples: dict[str, list[Sample]] = {store: [] for store in STORES}
    with tempfile.TemporaryDirectory() as folder:
        ca = PrivateCa(Path(folder))
        for number in range(rounds):
            for store in STORES:
                with _served(store, ca) as url:
                    facts[f"{store}, round {number + 1}"] = _exact(url, seconds)
                    kept = _free(url)
                    samples[store].append(Sample(wall=median(kept), cpu=median(kept)))
    goals = [Floor(contestant=store, per_second=1 / _AT_MOST_SECONDS) for store in ("redis", "postgresql")]
    return Outcome(title="Shared rate limiter: one grant", samples=samples, goals=goals, facts=facts, unit="grants")


def _exact(url: str, seconds: int) -> str:
    own = Rule(key="own", requests=_REQUESTS, window_ms=_SECONDS * 1000, burst=_REQUESTS)
    every = Rule(key="*", requests=10 * _REQUESTS, window_ms=_SECONDS * 1000, burst=10 * _REQUESTS)
    found = recorded(Load(store=url, rules=(own, every), seconds=seconds, processes=PROCESSES))
    most = found.most_in(_SECONDS)
    allowed = _REQUESTS * (seconds // _SECONDS)
    used = sum(at < found.sent[0] + seconds // _SECONDS * _SECONDS for at in found.sent) / allowed
    told = f"most in a window {most} of {_REQUESTS}, used {used:.2%}"
    assert most <= _REQUESTS, told
    assert used >= 0.98, told
    return told


def _free(url: str) -> list[float]:
    """How long grants take that need not wait: a limit that nobody reaches."""
    rule = Rule(key="free", requests=10_000_000, window_ms=60_000, burst=10_000_000)
    return recorded(Load(store=url, rules=(rule,), seconds=3, processes=PROCESSES, pause=0.001)).kept


@contextmanager
def _served(store: str, ca: PrivateCa) -> Iterator[str]:
    with open_workspace(store, ca=ca) as workspace:
        if store == "redis":
            with redis_server.start(workspace, _found(redis_server.find())) as server:
                yield server.url
        elif store == "postgresql":
            with postgresql.start(workspace, _found(postgresql.find())) as cluster:
                State(cluster.url("postgres"), SystemClock()).upgrade()
                yield cluster.url("postgres")
        else:
            url = f"sqlite:///{workspace.folder / 'state.db'}"
            State(url, SystemClock()).upgrade()
            yield url


def _found(found: object) -> Found:
    assert isinstance(found, Found), found
    return found
