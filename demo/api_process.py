"""Starts and stops the API as a process of its own.

It is a process, not a thread, because Airflow forks: a fork of a process that runs threads can hang.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import finport_ingestion
from demo.api_server import PARENT_POLL_SECONDS, READY
from demo.folder import DemoFolder
from finport_ingestion.engine.errors import ConfigError, SourceUnavailable

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class ApiProcess:
    """Starts, watches and stops the HTTPS server of one demo folder."""

    def __init__(self, folder: DemoFolder) -> None:
        self._folder = folder
        self._log = folder.logs / "api.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: int | None = None

    def start(self, *, port: int | None, preferred: int | None) -> int:
        """Begin to start; `wait` tells when it answers.

        Args:
            port: The port to listen on, None for any.
            preferred: With any port: the one to try first, so that restarts keep the address.

        Returns:
            The port. It is bound here and handed over, so nobody can take it in between.

        Raises:
            ConfigError: `port` is in use.
        """
        with _listen(port, preferred=preferred) as listener:
            self._ready, announce = os.pipe()
            try:
                self._process = self._spawn(listener, announce=announce)
            finally:
                os.close(announce)
            return int(listener.getsockname()[1])

    def wait(self) -> None:
        """Return when the server answers.

        Raises:
            SourceUnavailable: It ended instead, or took too long; the end of its log is in the message.
        """
        if not self._announced():
            raise SourceUnavailable(
                f"the demo's API does not start; the end of {self._log}:\n{self._log.read_text()[-2000:]}",
                hint="see the log; a damaged demo folder can be deleted, it is made again",
            )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the process; does nothing when it is not there."""
        if self._ready is not None:
            os.close(self._ready)
            self._ready = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _announced(self) -> bool:
        if self._ready is None:
            return False
        readable, _, _ = select.select([self._ready], [], [], START_SECONDS)
        # A process that ends closes its side: then the read gives nothing.
        return bool(readable) and os.read(self._ready, len(READY)) == READY

    def _spawn(self, listener: socket.socket, *, announce: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "demo.api_server", "--folder", str(self._folder.path)]
        command += ["--parent", str(os.getpid()), "--listener", str(listener.fileno()), "--announce", str(announce)]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(listener.fileno(), announce),
                env={**os.environ, "PYTHONPATH": _python_path()},
            )


def _listen(port: int | None, *, preferred: int | None) -> socket.socket:
    if port is None:
        for candidate in (preferred or 0, 0):
            with contextlib.suppress(OSError):
                return _bound(candidate)
        raise ConfigError("no port of 127.0.0.1 is free.", hint="end programs that hold connections open")
    # The API of a killed run sees only at its next look that its parent is gone.
    deadline = time.monotonic() + 6 * PARENT_POLL_SECONDS
    while True:
        try:
            return _bound(port)
        except OSError as error:
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"port {port} of 127.0.0.1 cannot be used for the demo's API: {error.strerror}.",
                    hint="choose another port",
                ) from error
            time.sleep(0.1)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _python_path() -> str:
    """Where the child finds this package and ours, however this process came to them."""
    folders = [Path(module).parents[1] for module in (__file__, str(finport_ingestion.__file__))]
    # What is installed is found anyway, and would stand before the standard library here.
    paths = [str(folder) for folder in folders if folder.name != "site-packages"]
    return os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
