"""Processes that live on after their starter, each in a session of its own, and that are found again to end them.

Airflow's processes rename themselves, which destroys their `/proc/PID/environ`, and some outlive their parents. What
stays is the session, which is inherited and keeps its number while a process is left in it, and the working folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from demo.folder import DemoFolder
from finport_ingestion.engine.errors import PermanentError, SourceUnavailable

MARKER: Final = "FINPORT_LOCAL"
"""The environment variable that holds the folder of the components, in all processes that did not rename themselves."""

RECORD: Final = "processes.json"
LOG_LINES: Final = 30
POLL_SECONDS: Final = 0.1
# The start time is computed from the boot time, which moves when the clock is set.
_SAME_START_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One program to run: its name, its command and its whole environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedProcess:
    """What is recorded of a component: its process id, which is its session's too, and its start (epoch seconds)."""

    name: str
    process_id: int
    started_at: float

    def find(self) -> psutil.Process | None:
        """The process, None when it ended, also when another one has its number now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.process_id)
            if abs(process.create_time() - self.started_at) < _SAME_START_SECONDS and _lives(process):
                return process
        return None


class Components:
    """The components of one folder: `processes.json`, `logs/<name>.log`, and `work/`, in which they run."""

    def __init__(self, folder: DemoFolder) -> None:
        self._folder = folder
        self._marker = str(folder.path)
        self._work = folder.path / "work"
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, component: Component) -> StartedProcess:
        """Start a component and record it; it may not have been started already."""
        self._work.mkdir(exist_ok=True)
        with self.log_of(component.name).open("wb") as log:
            child = subprocess.Popen(
                component.command,
                cwd=self._work,
                env={**component.environment, MARKER: self._marker},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[child.pid] = child
        with contextlib.suppress(psutil.NoSuchProcess):
            started_at = psutil.Process(child.pid).create_time()
            started = StartedProcess(name=component.name, process_id=child.pid, started_at=started_at)
            self._record([*self.recorded(), started])
            return started
        raise self.error(component.name, "ended at once")

    def recorded(self) -> list[StartedProcess]:
        """What was started and not yet stopped, in order; some may have ended by themselves."""
        try:
            rows = json.loads((self._folder.path / RECORD).read_bytes())
        except (FileNotFoundError, ValueError):
            return []
        return [StartedProcess(**row) for row in rows]

    def ended(self) -> list[str]:
        """The names of the recorded components that do not run."""
        self._reap()
        return [started.name for started in self.recorded() if started.find() is None]

    def wait_for(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait until `ready` is true.

        Raises:
            SourceUnavailable: A component ended, or the time is up; the end of the logs is in the message.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            for name in self.ended():
                raise self.error(name, "ended by itself")
            if time.monotonic() > deadline:
                raise SourceUnavailable(f"{what} was not there after {seconds:g} s.", hint=f"see {self._folder.logs}")
            time.sleep(POLL_SECONDS)

    def stop(self, names: Collection[str], *, seconds: float) -> None:
        """End the components `names` and everything they started: SIGTERM to them, then to all, then SIGKILL.

        Args:
            seconds: How long they have after the first SIGTERM to end in order.
        """
        stopping = [started for started in self.recorded() if started.name in names]
        _send([process for started in stopping if (process := started.find())], signal.SIGTERM)
        self._wait(lambda: any(started.find() for started in stopping), seconds=seconds)
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = self.processes_of(stopping)
            if not left:
                break
            _send(left, number)
            self._wait(partial(_any_lives, left), seconds=seconds / 2)
        if stopping:
            self._record([started for started in self.recorded() if started not in stopping])

    def clear(self, *, seconds: float = 10.0) -> None:
        """Kill whatever is left of any start in this folder, whether it is recorded or not.

        Raises:
            PermanentError: A process does not end.
        """
        deadline = time.monotonic() + seconds
        while left := self.processes():
            if time.monotonic() > deadline:
                numbers = ", ".join(str(process.pid) for process in left)
                raise PermanentError(
                    f"processes of {self._folder.path} do not end: {numbers}.", hint="end them by hand"
                )
            _send(left, signal.SIGKILL)
            # A process that ends has no folder and no environment any more, but it is there until its last moment.
            self._wait(partial(_any_lives, left), seconds=1.0)
        self._folder.remove(RECORD)

    def processes(self) -> list[psutil.Process]:
        """Every living process of this folder: of a recorded session, marked, at work in it, or below such a one."""
        return self.processes_of(self.recorded(), also=self._marked())

    def processes_of(
        self, started: Iterable[StartedProcess], *, also: Iterable[psutil.Process] = ()
    ) -> list[psutil.Process]:
        """The living processes of some components: themselves, their sessions' and their descendants."""
        self._reap()
        found = {process.pid: process for process in also}
        for one in started:
            found |= {process.pid: process for process in self._session_of(one)}
        for process in list(found.values()):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {child.pid: child for child in process.children(recursive=True)}
        kept_out = _ourselves()
        return [process for number, process in found.items() if number not in kept_out and _lives(process)]

    def log_of(self, name: str) -> Path:
        """Where a component's output goes."""
        return self._folder.logs / f"{name}.log"

    def error(self, name: str, what: str) -> SourceUnavailable:
        """That something is wrong with a component, with the end of its log."""
        log = self.log_of(name)
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.is_file() else []
        return SourceUnavailable(f"{name} {what}; the end of {log}:\n" + "\n".join(lines), hint="see the log")

    def _session_of(self, started: StartedProcess) -> Iterator[psutil.Process]:
        leader = started.find()
        if leader is None and psutil.pid_exists(started.process_id) and not self._is_our_zombie(started):
            return  # another program has the number now, and with it the session
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getsid(process.pid) == started.process_id and (leader is not None or self._works_here(process)):
                    yield process

    def _is_our_zombie(self, started: StartedProcess) -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(started.process_id)
            return abs(process.create_time() - started.started_at) < _SAME_START_SECONDS
        return False

    def _works_here(self, process: psutil.Process) -> bool:
        # A person who looks around in the folder does so from a terminal; the kernel tells when it was removed.
        return process.cwd().removesuffix(" (deleted)") == str(self._work) and process.terminal() is None

    def _marked(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if self._works_here(process) or process.environ().get(MARKER) == self._marker:
                    yield process

    def _record(self, started: list[StartedProcess]) -> None:
        self._folder.write_json(RECORD, [asdict(one) for one in started])

    def _wait(self, while_true: Callable[[], bool], *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._reap()
        while while_true() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            self._reap()

    def _reap(self) -> None:
        for child in self._children.values():
            child.poll()


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _lives(process: psutil.Process) -> bool:
    """Whether it runs; one that only waits for its parent to ask for its exit code does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _any_lives(processes: Iterable[psutil.Process]) -> bool:
    return any(map(_lives, processes))


def _ourselves() -> set[int]:
    """This process and those above it: a person who stops from a marked shell must not lose it."""
    own = psutil.Process()
    return {own.pid, *(parent.pid for parent in own.parents())}
