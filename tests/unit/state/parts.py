"""What the tests of the state, and the processes that they fork, share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from finport_ingestion.engine.connections import Connections
from finport_ingestion.engine.errors import TransientError
from finport_ingestion.engine.events.event import Event, EventType, Occasion
from finport_ingestion.engine.events.interface import Outgoing
from finport_ingestion.engine.records import Fingerprint, Publication, Replaces, StepResult
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.keys import Driver, StepKey
from finport_ingestion.engine.state.state import State
from finport_ingestion.engine.step import RunKey

MONDAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
ME = Actor.current()
ELSEWHERE = Actor(host="another.host.example", pid=1, process_start="boot ns 1")
SOURCE, DATASET = "custodian", "positions"


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, moment: datetime = MONDAY) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)

    def advance(self, **amount: float) -> datetime:
        self.moment += timedelta(**amount)
        return self.moment


def run_key(run_id: str = "run-1", workflow: str = "nightly") -> RunKey:
    return RunKey(workflow=workflow, run_id=run_id, run_after=MONDAY)


def step_key(run: RunKey, step: str = "store", **changes: Any) -> StepKey:
    return StepKey(**{"run": run, "source": SOURCE, "dataset": DATASET, "step": step, **changes})


def open_run(state: State, run_id: str = "run-1", *, workflow: str = "nightly", driver: Driver = Driver.CLI) -> RunKey:
    run = run_key(run_id, workflow)
    state.open_run(run, trigger="manual", flags={}, driver=driver, started_at=MONDAY)
    return run


def begin(state: State, step: StepKey, *, actor: Actor = ME, seconds: float = 600, try_number: int = 1) -> StepKey:
    state.begin_step(step, try_number=try_number, timeout_seconds=seconds, actor=actor)
    return step


def item(name: str, content: str = "1") -> Fingerprint:
    return Fingerprint(item=name, sha256=content * 64, size_bytes=10, modified_at=MONDAY, etag=f"e{content}")


def publication(commit: str = "1", *items: Fingerprint, **changes: Any) -> Publication:
    fields: dict[str, Any] = {
        "source": SOURCE,
        "dataset": DATASET,
        "storage": "parquet",
        "commit": commit,
        "run_id": "run-1",
        "row_count": 100,
        "items": items or (item("a.csv"),),
        "replaces": Replaces.ITEMS,
    }
    return Publication(**{**fields, **changes})


def publish(state: State, run: RunKey, published: Publication, **changes: Any) -> StepKey:
    """One step that publishes, begun and finished."""
    step = begin(state, step_key(run, source=published.source, dataset=published.dataset))
    state.finish_step(step, StepResult(publication=published), **changes)
    return step


def event(run: RunKey, name: str = "collection_started", **changes: Any) -> Event:
    relays = changes.pop("relays", ("log",))
    occasion = Occasion(**{"run": run, "source": SOURCE, "dataset": DATASET, "step": "collect", **changes})
    return Event.of(EventType.named(name), occasion, at=MONDAY, relays=relays)


class FileRelay:
    """A line an event, appended to a file that several processes share: `subject id`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def connect(cls, connections: Connections) -> Self:
        return cls(Path(connections.get("file").host or ""))

    def send(self, events: Sequence[Outgoing]) -> None:
        with self._file.open("a") as file:
            file.write("".join(f"{event.subject} {event.id}\n" for event in events))

    def sent(self) -> list[str]:
        return [line.split()[1] for line in self._file.read_text().splitlines()] if self._file.exists() else []


class ClosedRelay(FileRelay):
    """Fails after so many events of a batch, as a server does that goes away."""

    def __init__(self, file: Path, *, after: int = 0) -> None:
        super().__init__(file)
        self._after = after

    def send(self, events: Sequence[Outgoing]) -> None:
        super().send(events[: self._after])
        raise TransientError("the other side is closed.")
