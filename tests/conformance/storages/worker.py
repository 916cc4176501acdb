"""What child processes of the suite do: publish, and die at a chosen moment."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

# What publishing imports when it runs; a forked process finds it here.
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401

from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.store.interface import PublishRequest
from finport_ingestion.engine.store.parquet_dataset import publishing as _parquet  # noqa: F401
from finport_ingestion.engine.store.sql_table import publishing as _sql  # noqa: F401
from tests.conformance.storages.adapters import StorageMaker

_MOMENTS = {"os.rename", "os.link", "os.remove", "os.mkdir"}


@dataclass
class Fate:
    """Counts what the process does to the disk and how often it asks for the time; may end it at one of these moments.

    Audit events of the interpreter and the clock that every storage is given are the hooks, so that the code under
    test is the real one.
    """

    fatal: int | None
    count: int = 0
    clock: SystemClock = field(default_factory=SystemClock)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and any(mode in arguments[1] for mode in "wax+")
        if writes or event in _MOMENTS:
            self._pass()

    def now(self) -> datetime:
        self._pass()
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def _pass(self) -> None:
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def publish_and_die(maker: StorageMaker, request: PublishRequest, fatal: int | None, answer: Connection) -> None:
    """Publish; send the number of moments that there were."""
    fate = Fate(fatal)
    sys.addaudithook(fate.hook)
    maker.open(clock=fate).publish(request)
    answer.send(fate.count)
    answer.close()


def publish_all(maker: StorageMaker, requests: list[PublishRequest], answer: Connection) -> None:
    """Say that this process is ready, wait for the word, publish one after the other, say that it is done."""
    answer.send("ready")
    answer.recv()
    storage = maker.open()
    for request in requests:
        storage.publish(request)
    answer.send("done")
    answer.close()
