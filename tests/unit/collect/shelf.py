"""A source in memory whose transfers break where a test says so, and a landing area to land its items in."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from finport_ingestion.engine.clock import Clock, Deadline
from finport_ingestion.engine.collect.landing import land
from finport_ingestion.engine.connections import EnvironmentConnections
from finport_ingestion.engine.errors import SourceItemChanged, SourceUnavailable
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.records import Fingerprint, Part, Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.files.streams import joined
from finport_ingestion.engine.sources.interface import Delivery, Span
from finport_ingestion.engine.step import RunKey, StepContext
from finport_ingestion.engine.workflow.plan import Plan
from tests.conformance.sources.access import ManualClock

KB = 1024
MB = 1024 * KB
_THEN = datetime(2026, 3, 2, 18, tzinfo=UTC)


def some_bytes(size: int, *, seed: int = 1) -> bytes:
    """Bytes in which no two places look alike."""
    return random.Random(seed).randbytes(size)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Shelf:
    """One item, `prices.csv`. The facts that it lists may lie: see `item`.

    `breaks`: the transfer fails once before each of these bytes is given. `asked` and `given_bytes` are what was
    requested since the beginning, and at most so many requests were open at a time: `most_at_once`.
    """

    Options = None

    content: bytes
    breaks: list[int] = field(default_factory=list)
    block_bytes: int = 64 * KB
    of_the_whole: Mapping[str, Any] = field(default_factory=dict)  # what it says of it, besides or instead
    asked: list[tuple[int, int | None]] = field(default_factory=list)
    given_bytes: int = 0
    most_at_once: int = 0
    modified_at: datetime = _THEN
    down: bool = False
    gather: threading.Barrier | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._at_once = 0

    def item(self, **facts: Any) -> SourceItem:
        """As it is listed; `ranges` is 1 unless a test says more."""
        stated = {"size_bytes": len(self.content), "modified_at": self.modified_at, "ranges": 1}
        return SourceItem(id="prices.csv", **{**stated, **facts})

    def check(self) -> str:
        return "prices: there."

    def replaces(self, after: Watermark | None) -> Replaces:
        return Replaces.ITEMS

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        yield self.item()

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        if self.down:
            raise SourceUnavailable("prices: down.", hint="wait")
        self._check(item)
        start, stop = (span.start, span.stop) if span else (0, None)
        with self._lock:
            self.asked.append((start, stop))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        if self.gather and span:
            self.gather.wait(10)
        try:
            end = len(self.content) if stop is None else min(stop, len(self.content))
            facts = {"suffix": ".csv", "media_type": "text/csv", "size_bytes": (end if stop is None else stop) - start}
            said = self.of_the_whole if span is None else {}
            yield Delivery(stream=joined(self._blocks(start, end)), **{**facts, **said})
            self._check(item)
        finally:
            with self._lock:
                self._at_once -= 1

    def _blocks(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            stop = min(start + self.block_bytes, end)
            with self._lock:
                due = [at for at in self.breaks if start <= at < stop]
                if due:
                    stop = min(due)
                    self.breaks.remove(stop)
                self.given_bytes += stop - start
            if stop > start:
                yield self.content[start:stop]
            if due:
                raise SourceUnavailable("prices: the connection is lost.", hint="try later")
            start = stop

    def _check(self, item: SourceItem) -> None:
        if item.modified_at not in (None, self.modified_at):
            raise SourceItemChanged("prices: prices.csv changed.", hint="run again")


class NoMemory:
    """A source that never ran before."""

    def fingerprints(self, source: str, dataset: str) -> Mapping[str, Fingerprint]:
        return {}

    def watermark(self, source: str, dataset: str) -> Watermark | None:
        return None

    def published_at(self, source: str, dataset: str) -> datetime | None:
        return None

    def dataset_updated_at(self, dataset: str) -> datetime | None:
        return None


@dataclass
class LandingArea:
    """Where the items of one run of `prices` land; each call is a try of its own."""

    root: UPath
    settings: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=ManualClock)
    seconds: float = 3600

    @staticmethod
    def at(folder: Path | UPath, **settings: Any) -> LandingArea:
        """Below `folder`; settings as a source's `overrides`."""
        return LandingArea(UPath(folder), settings)

    def land(self, item: SourceItem, source: Any) -> list[Part]:
        """Land the item as number 0 of the run; raises what that raises."""
        return list(land(item, index=0, source=source, context=self.context()))

    def content(self, part: Part) -> bytes:
        content: bytes = (self.root / part.uri).read_bytes()
        return content

    def files(self) -> list[str]:
        """The names of what lies in the item's folder."""
        found = [path.name for path in self.root.rglob("*") if path.is_file()]
        return sorted(found)

    def visible(self) -> list[str]:
        """Without what is hidden: what anybody would take for data."""
        return [name for name in self.files() if not name.startswith(".")]

    def hidden(self, ending: str) -> UPath:
        """The one hidden file with this ending."""
        (found,) = [path for path in self.root.rglob(f".*{ending}") if path.is_file()]
        return found

    def context(self) -> StepContext:
        plan = Plan.model_validate(_plan(self.settings))
        return StepContext(
            plan=plan,
            source=plan.source("prices"),
            step=plan.step("collect"),
            run=RunKey(workflow="prices-daily", run_id="run-1", run_after=datetime(2026, 1, 2, tzinfo=UTC)),
            batch=0,
            deadline=Deadline.after(self.seconds, clock=self.clock),
            places=Places(self.root),
            connections=EnvironmentConnections({}),
            memory=NoMemory(),
            clock=self.clock,
        )


def _plan(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "workflow": "prices-daily",
        "description": "Prices.",
        "owner": "tests",
        "schedule": {},
        "timeout": "2h",
        "steps": [
            {
                "name": "collect",
                "agent": "collector",
                "action": "collect_data_from_source",
                "timeout": "1h",
                "retries": 0,
            }
        ],
        "sources": [
            {
                "name": "prices",
                "description": "Prices.",
                "owner": "tests",
                "source": {"protocol": "file", "path": "/nowhere"},
                "dataset": "prices",
                "contract": {},
                "settings": dict(settings),
            }
        ],
    }
