"""The demo's three sources as real systems: an HTTPS API, a folder of CSV files, a PostgreSQL database.

```python
with DemoSources(Path(".airflow/demo")) as endpoints:
    os.environ.update(endpoints.environment())
```
`python -m demo.sources --folder DIR` serves them until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from demo import commodities
from demo.api_process import ApiProcess
from demo.credentials import Credentials, credentials_of, tls_folder_of
from demo.endpoints import ENVIRONMENT_FILE, Endpoints, publish, read_endpoints, withdraw
from demo.folder import DemoFolder, FolderLock
from demo.postgres import PostgresServer
from demo.prices import price_files
from finport_ingestion.engine.errors import ConfigError, FinportError, PermanentError, SourceUnavailable

DEFAULT_FOLDER: Final = Path(".airflow/demo")
PORTS_FILE: Final = "ports.json"
SHARE_SECONDS: Final = 60.0

# What this process serves: a record lock does not keep a process from itself.
_served_here: dict[Path, Endpoints] = {}


class DemoSources:
    """Starts the sources on entry and stops them on exit.

    Secrets, certificates, data and ports lie in the folder, so the next start gives the same sources
    in a second. While another process serves the folder, its running sources are given, and exit
    leaves them alone (`joined`). Start it in the main thread: then a killed process takes its servers along.
    """

    def __init__(
        self, folder: Path = DEFAULT_FOLDER, *, api_port: int | None = None, postgres_port: int | None = None
    ) -> None:
        self._folder = DemoFolder(folder)
        self._api_port = api_port
        self._postgres_port = postgres_port
        self._exit = ExitStack()
        self._api = ApiProcess(self._folder)
        self._postgres: PostgresServer | None = None
        self._process_id = os.getpid()
        self.joined = False

    def __enter__(self) -> Endpoints:
        """Serve, or join the process that does.

        Raises:
            ConfigError: A given port is in use, or the folder is served on others; a package is missing.
            SourceUnavailable: A server does not start; the end of its log is in the message.
        """
        joined = self._own_or_join()
        if joined is not None:
            return joined
        try:
            return self._serve()
        except BaseException:
            self._exit.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A fork that leaves the block by an exception must not stop its parent's servers.
        if os.getpid() == self._process_id:
            self._exit.close()

    def stopped(self) -> str | None:
        """The name of a server of ours that ended by itself, None while all run."""
        if self.joined:
            return None
        if not self._api.is_running():
            return "API"
        return None if self._postgres is None or self._postgres.is_running() else "PostgreSQL"

    def _own_or_join(self) -> Endpoints | None:
        """Take the folder's lock, or wait for the endpoints of the process that holds it."""
        lock = FolderLock(self._folder.path / "lock")
        deadline = time.monotonic() + SHARE_SECONDS
        while True:
            served = _served_here.get(self._folder.path)
            if served is None and lock.acquire():
                self._exit.callback(lock.release)
                return None
            served = served or read_endpoints(self._folder)
            if served is not None and _answers(served):
                self.joined = True
                return self._checked(served)
            if time.monotonic() > deadline:
                raise SourceUnavailable(
                    f"another process holds {self._folder.path} and serves no demo sources in it.",
                    hint="end that process, or choose another folder",
                )
            time.sleep(0.1)

    def _checked(self, served: Endpoints) -> Endpoints:
        wanted = {served.api_port: self._api_port, served.database_port: self._postgres_port}
        if all(given in (None, port) for port, given in wanted.items()):
            return served
        raise ConfigError(
            f"the sources of {self._folder.path} are served already, on ports {served.api_port} (API) and"
            f" {served.database_port} (PostgreSQL).",
            hint="stop that process, leave the ports open, or choose another folder",
        )

    def _serve(self) -> Endpoints:
        folder = self._folder
        folder.prepare()
        withdraw(folder)
        credentials = credentials_of(folder)
        tls = tls_folder_of(folder)
        ports = folder.read_json(PORTS_FILE)
        self._exit.callback(self._api.stop)
        # The API starts in its own process while PostgreSQL does in this one.
        api_port = self._api.start(port=self._api_port, preferred=_port(ports, "api"))
        database_port = self._start_postgres(credentials, preferred=_port(ports, "postgres"))
        folder.write_json(PORTS_FILE, {"api": api_port, "postgres": database_port})
        endpoints = Endpoints(
            api_port=api_port,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            ca_file=str(tls / "ca.pem"),
            prices_folder=str(price_files(folder)),
            database_port=database_port,
            database_name=commodities.DATABASE,
            database_user=commodities.READER,
            database_password=credentials.database_password,
        )
        self._api.wait()
        self._announce(endpoints)
        return endpoints

    def _start_postgres(self, credentials: Credentials, *, preferred: int | None) -> int:
        """Start the server and load its table; data that an interrupted run damaged are made anew."""
        server = self._postgres = PostgresServer(self._folder, password=credentials.superuser_password)
        self._exit.callback(server.stop)
        try:
            port = server.start(port=self._postgres_port, preferred=preferred)
        except PermanentError:
            server.discard()
            port = server.start(port=self._postgres_port, preferred=preferred)
        commodities.load(server, password=credentials.database_password)
        return port

    def _announce(self, endpoints: Endpoints) -> None:
        self._exit.callback(withdraw, self._folder)
        publish(endpoints, folder=self._folder)
        self._exit.callback(_served_here.pop, self._folder.path, None)
        _served_here[self._folder.path] = endpoints


def _port(ports: dict[str, str | int], name: str) -> int | None:
    port = ports.get(name)
    return port if isinstance(port, int) and 0 < port < 65_536 else None


def _answers(endpoints: Endpoints) -> bool:
    """Whether both servers take connections: the file of a killed process may still lie there."""
    for port in (endpoints.api_port, endpoints.database_port):
        try:
            socket.create_connection((endpoints.host, port), timeout=1).close()
        except OSError:
            return False
    return True


class _Stop(BaseException):
    """A signal asks to stop; like KeyboardInterrupt, nothing on the way may take it for an error."""


def _stop(number: int, frame: FrameType | None) -> None:
    # A second signal must not break into the cleaning up.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise _Stop


def main() -> int:
    """Serve until a signal comes: exit code 0. 1 when a server does not start or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m demo.sources", description="serve the demo's sources")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where they live (%(default)s)")
    parser.add_argument("--api-port", type=int, help="of 127.0.0.1; any free one if not given")
    parser.add_argument("--postgres-port", type=int, help="of 127.0.0.1; any free one if not given")
    arguments = parser.parse_args()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stop)
    sources = DemoSources(arguments.folder, api_port=arguments.api_port, postgres_port=arguments.postgres_port)
    try:
        return _serve_until_stopped(sources, folder=arguments.folder)
    except _Stop:
        return 0
    except FinportError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _serve_until_stopped(sources: DemoSources, *, folder: Path) -> int:
    began = time.monotonic()
    with sources as endpoints:
        if sources.joined:
            raise ConfigError(f"the sources of {folder} are served already.", hint="stop that process first")
        ready = {
            "ready": True,
            "seconds": round(time.monotonic() - began, 2),
            "api": endpoints.api_url,
            "prices": endpoints.prices_folder,
            "postgres": f"{endpoints.host}:{endpoints.database_port}",
            "environment": str((folder / ENVIRONMENT_FILE).absolute()),
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while (stopped := sources.stopped()) is None:
            time.sleep(1)
    raise SourceUnavailable(f"the demo's {stopped} ended by itself.", hint=f"see {folder / 'logs'}")


if __name__ == "__main__":
    sys.exit(main())
