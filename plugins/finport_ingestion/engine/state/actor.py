"""Who works on a step: a process of a machine, told apart from a later one that got the same number."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PARTS = 3  # of `process_start`


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A process. `process_start` holds what tells it from others of the same number: boot, pid namespace, start."""

    host: str
    pid: int
    process_start: str

    @staticmethod
    def current() -> Actor:
        """This process."""
        pid = os.getpid()
        return Actor(host=socket.gethostname(), pid=pid, process_start=_process_start(pid) or "")

    def runs(self) -> bool | None:
        """Whether the process still runs; None where this machine cannot know."""
        if self.host != socket.gethostname():
            return None
        then, here = self.process_start.split(" "), _machine()
        if len(then) != _PARTS:
            return None
        if then[0] != here[0]:
            return False  # the machine was started again since
        # Containers may share a host name, and then see other numbers for the same processes.
        return _process_start(self.pid) == self.process_start if then[1] == here[1] else None


def _machine() -> tuple[str, str]:
    """What boot this is, and in which pid namespace we are; "-" where the system does not tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        return "-", "-"
    return boot, namespace


def _process_start(pid: int) -> str | None:
    """Boot, namespace and start time of a process that lives; None when there is none (or only its remains)."""
    started = _started_by_proc(pid) if (_PROC / "self/stat").exists() else _started_by_ps(pid)
    return None if started is None else " ".join((*_machine(), started))


def _started_by_proc(pid: int) -> str | None:
    try:
        status = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name stands in parentheses and may hold any character; state is the 3rd field, start in ticks the 22nd.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]


def _started_by_ps(pid: int) -> str | None:
    """For systems without /proc, such as macOS."""
    command = ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    state, *started = shown.stdout.split() or ["Z"]
    return None if state.startswith("Z") else "-".join(started)
