"""Another process that works on the same state: `python -m tests.unit.state.worker ACTION URL ...`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
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


def begin_only(url: str, run_id: str, moment: str) -> None:
    """Begin a step, say so, and never end it."""
    state = State(url, HandClock(datetime.fromisoformat(moment)))
    begin(state, step_key(open_run(state, run_id)), actor=Actor.current(), seconds=3600)
    say("begun")
    time.sleep(FOREVER_SECONDS)


def stop_between(url: str, run_id: str, driver: str, moment: str) -> None:
    """Begin a step and end it, say so, and never begin the next."""
    state = State(url, HandClock(datetime.fromisoformat(moment)))
    step = begin(state, step_key(open_run(state, run_id, driver=Driver(driver))), actor=Actor.current(), seconds=3600)
    state.finish_step(step, StepResult())
    say("ended")
    time.sleep(FOREVER_SECONDS)


def publish_many(url: str, name: str, count: str) -> None:
    """Publish so many commits, a run each, and wait for the lease whenever another process has it.

    Each commit takes its number and its item from what it finds published: two at once would take the same.
    """
    state = State(url, SystemClock())
    wait_for_start()
    for number in range(int(count)):
        run = open_run(state, f"{name}-{number}")
        step = step_key(run)
        while not began(state, step):
            time.sleep(0.002)
        found = len(state.fingerprints(step.source, step.dataset))
        commit = publication(str(found + 1), item(f"file-{found}"), run_id=run.run_id)
        state.finish_step(step, StepResult(publication=commit))
        state.finish_source(run, step.source, step.dataset, "succeeded")
    say("done")


def began(state: State, step: StepKey) -> bool:
    """Whether the lease could be had."""
    try:
        begin(state, step, actor=Actor.current())
    except LeaseHeld:
        return False
    return True


def relay(url: str, file: str, expected: str) -> None:
    """Relay what waits until nothing does."""
    state = State(url, SystemClock())
    wait_for_start()
    while state.backlog():
        relay_pending(state, {"log": FileRelay(Path(file))}, limit=int(expected))
    say("done")


def upgrade(url: str) -> None:
    """Make the tables."""
    state = State(url, SystemClock())
    wait_for_start()
    state.upgrade()
    say("upgraded")


def wait_for_start() -> None:
    """Be ready, so that the processes of a test begin together."""
    say("ready")
    sys.stdin.readline()


def say(word: str) -> None:
    """Tell the test how far this process is."""
    print(word, flush=True)


ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action for action in (begin_only, stop_between, publish_many, relay, upgrade)
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](*sys.argv[2:])
