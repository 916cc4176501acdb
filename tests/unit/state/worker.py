"""Other processes that work on the same state: forked, so that they begin at once, and killed when the test ends."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.errors import LeaseHeld
from finport_ingestion.engine.events.relay import relay_pending
from finport_ingestion.engine.records import StepResult
from finport_ingestion.engine.state.actor import Actor
from finport_ingestion.engine.state.keys import Driver, StepKey
from finport_ingestion.engine.state.state import State
from tests.unit.state.parts import FileRelay, HandClock, begin, item, open_run, publication, step_key

FOREVER_SECONDS = 600
Say = Callable[[str], None]
"""How a process tells the test how far it is."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process of its own, and the wire to it."""

    process: ForkProcess
    wire: Connection

    def said(self) -> str:
        """The next word that it says."""
        word: str = self.wire.recv()
        return word

    def kill(self) -> None:
        """SIGKILL; what is left of it stays in the process table until it is waited for."""
        self.process.kill()
        os.waitid(os.P_PID, self.process.pid or 0, os.WEXITED | os.WNOWAIT)


@contextmanager
def child(work: Callable[[Say], None]) -> Iterator[Child]:
    """A process that does `work` once it is told to start; `started` tells it so."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def run() -> None:
        theirs.recv()
        work(theirs.send)

    process = context.Process(target=run)
    process.start()
    try:
        yield Child(process, ours)
    finally:
        process.kill()
        process.join()


@contextmanager
def started(*works: Callable[[Say], None]) -> Iterator[list[Child]]:
    """Processes that begin together."""
    with ExitStack() as stack:
        children = [stack.enter_context(child(work)) for work in works]
        for one in children:
            one.wire.send("start")
        yield children


def begin_only(url: str, clock: HandClock) -> Callable[[Say], None]:
    """Begin a step, say so, and never end it."""

    def work(say: Say) -> None:
        state = State(url, clock)
        begin(state, step_key(open_run(state, "run-1")), actor=Actor.current(), seconds=3600)
        say("begun")
        time.sleep(FOREVER_SECONDS)

    return work


def stop_between(url: str, clock: HandClock, *, driver: Driver) -> Callable[[Say], None]:
    """Begin a step and end it, say so, and never begin the next."""

    def work(say: Say) -> None:
        state = State(url, clock)
        run = open_run(state, "run-1", driver=driver)
        state.finish_step(begin(state, step_key(run), actor=Actor.current(), seconds=3600), StepResult())
        say("ended")
        time.sleep(FOREVER_SECONDS)

    return work


def publish_many(url: str, name: str, *, count: int) -> Callable[[Say], None]:
    """Publish so many commits, a run each, and wait for the lease whenever another process has it.

    Each commit takes its number and its item from what it finds published: two at once would take the same.
    """

    def work(say: Say) -> None:
        state = State(url, SystemClock())
        for number in range(count):
            run = open_run(state, f"{name}-{number}")
            step = step_key(run)
            while not _began(state, step):
                time.sleep(0.01)
            found = len(state.fingerprints(step.source, step.dataset))
            commit = publication(str(found + 1), item(f"file-{found}"), run_id=run.run_id)
            state.finish_step(step, StepResult(publication=commit))
            state.finish_source(run, step.source, step.dataset, "succeeded")
        say("done")

    return work


def relay_all(url: str, file: Path, *, limit: int) -> Callable[[Say], None]:
    """Relay what waits until nothing does."""

    def work(say: Say) -> None:
        state = State(url, SystemClock())
        while state.backlog():
            relay_pending(state, {"log": FileRelay(file)}, limit=limit)
        say("done")

    return work


def upgrade(url: str) -> Callable[[Say], None]:
    """Make the tables."""

    def work(say: Say) -> None:
        State(url, SystemClock()).upgrade()
        say("upgraded")

    return work


def _began(state: State, step: StepKey) -> bool:
    """Whether the lease could be had."""
    try:
        begin(state, step, actor=Actor.current())
    except LeaseHeld:
        return False
    return True
