"""One server process: start it on a free port, wait until it answers, stop it by its own pid, leave nothing."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

Probe = Callable[[], bool]
"""True as soon as the server answers as it should. Connection errors are the probe's to catch."""

POLL_SECONDS = 0.02
LOG_LINES = 40


class ServerError(RuntimeError):
    """A server did not start, ended by itself, or did not stop. The message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """How a server is run.

    Args:
        arguments: The program and its arguments.
        folder: The working directory.
        user: The unprivileged user to become when we are root and the server refuses root.
        environment: The whole environment of the server; ours by default.
        stop_signal: What makes it stop at once and in order (PostgreSQL: SIGINT).
        ready_seconds: How long it may take to answer.
        stop_seconds: How long it may take to stop.
    """

    arguments: Sequence[str]
    folder: Path
    user: str | None = None
    environment: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    ready_seconds: float = 30
    stop_seconds: float = 15

    def full_arguments(self) -> list[str]:
        """The arguments behind `setpriv`, which execs: the pid that we start is the server's own."""
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            return [*drop_privileges(self.user), *self.arguments]
        # The kernel stops the server when this process dies, even by SIGKILL, when no clean-up can run.
        pdeathsig = f"--pdeathsig={self.stop_signal.name.removeprefix('SIG')}"
        return [*(drop_privileges(self.user) or [setpriv]), pdeathsig, *self.arguments]


@dataclass(kw_only=True)
class ServerProcess:
    """A running server. `pid` is the server itself, not a shell or a launcher."""

    name: str
    command: ServerCommand
    log_path: Path
    _popen: subprocess.Popen[bytes]
    _ended_by_us: bool = field(default=False)

    @property
    def pid(self) -> int:
        """The server's own process id."""
        return self._popen.pid

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """The last lines of what the server wrote."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Stop the server in order, and everything that it started. Stopping twice is nothing.

        Raises:
            ServerError: It had ended by itself, had to be killed, or left processes behind.
        """
        if self._ended_by_us:
            return
        self._ended_by_us = True
        if self._popen.poll() is not None:
            raise self._error(f"ended by itself with exit code {self._popen.returncode}")
        children = psutil.Process(self.pid).children(recursive=True)
        self._popen.send_signal(self.command.stop_signal)
        try:
            self._popen.wait(self.command.stop_seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            self._end(children)
            raise self._error(f"did not stop on {self.command.stop_signal.name}, and was killed") from None
        if left := self._end(children):
            raise self._error(f"left processes behind, now killed: {left}")

    def kill(self) -> None:
        """SIGKILL, as a crash test needs it. The server's own children see that it died and end."""
        children = psutil.Process(self.pid).children(recursive=True)
        self._ended_by_us = True
        self._popen.kill()
        self._popen.wait()
        self._end(children)

    def wait_until_ready(self, probe: Probe) -> None:
        """Poll until `probe` is true.

        Raises:
            ServerError: The server ended, or did not answer in time.
        """
        deadline = time.monotonic() + self.command.ready_seconds
        while not probe():
            if self._popen.poll() is not None:
                self._ended_by_us = True
                raise self._error(f"ended with exit code {self._popen.returncode} before it answered")
            if time.monotonic() > deadline:
                raise self._error(f"did not answer within {self.command.ready_seconds:g} s")
            time.sleep(POLL_SECONDS)

    def _end(self, children: Sequence[psutil.Process]) -> list[int]:
        """Wait for the children of a server that ended; kill those that stay, and return their pids."""
        _, left = psutil.wait_procs(children, timeout=self.command.stop_seconds)
        for child in left:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(left, timeout=self.command.stop_seconds)
        return [child.pid for child in left]

    def _error(self, what: str) -> ServerError:
        return ServerError(f"{self.name} {what}; the end of its log:\n{self.log_tail()}")


@contextmanager
def serve(name: str, *, command: ServerCommand, probe: Probe, log_path: Path) -> Iterator[ServerProcess]:
    """Run a server until the block ends, however it ends.

    Start it from the thread that lives as long as the server shall: the kernel stops it when that thread ends.
    """
    with log_path.open("wb") as log:
        popen = subprocess.Popen(
            command.full_arguments(),
            cwd=command.folder,
            env=command.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C in a terminal goes to the whole process group; we stop the server ourselves, after the tests.
            start_new_session=True,
        )
    process = ServerProcess(name=name, command=command, log_path=log_path, _popen=popen)
    try:
        process.wait_until_ready(probe)
        yield process
    finally:
        process.stop()


def drop_privileges(user: str | None) -> list[str]:
    """The command prefix that makes root become `user`; empty when we are not root or need no other user."""
    if user is None or os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerError(f"running as root, and setpriv (util-linux) is missing: cannot become the user {user}")
    account = pwd.getpwnam(user)
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]


def free_port() -> int:
    """A free port of 127.0.0.1.

    Below the kernel's ephemeral range, and at random: a port that the kernel chose for us could be handed to
    somebody's outgoing connection, or to another test worker, before the server takes it.
    """
    while True:
        port = random.SystemRandom().randrange(12_000, 31_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(port: int, *, greeting: bytes = b"") -> bool:
    """Whether somebody takes connections at a port of 127.0.0.1, and greets with these bytes."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            return client.recv(len(greeting)) == greeting
    except OSError:
        return False
