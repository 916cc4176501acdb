"""`make start` and `make stop`: Airflow with its UI on this machine, PostgreSQL below it, the demo's sources beside it.

Everything lives in `.airflow/local/`: databases, secrets (readable for the owner only), logs, published data. Delete
the folder after a stop to begin anew.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from demo.airflow_api import AirflowApi
from demo.airflow_home import HOME, ROOT
from demo.airflow_site import (
    ADMIN,
    COMMANDS,
    HOST,
    AirflowSite,
    SiteSecrets,
    airflow_command,
    connection_variable,
    inherited,
    secrets_of,
    write_shell_settings,
)
from demo.components import Component, Components
from demo.endpoints import ENVIRONMENT_FILE
from demo.folder import DemoFolder, FolderLock
from demo.local_database import ADDRESS_FILE, DatabaseAddress, address_of, passwords_of
from demo.postgres import end_servers_in
from finport_ingestion.engine.clock import SystemClock
from finport_ingestion.engine.errors import ConfigError, FinportError, SourceUnavailable
from finport_ingestion.engine.state.state import State

DEFAULT_PORT: Final = 8080
PORT_VARIABLE: Final = "FINPORT_PORT"
UNPAUSED: Final = ("base_standard_ingestion_workflow", "base_test_workflow")
DATABASE, SOURCES = "database", "sources"
SITE_FILE: Final = "site.json"
SHELL_SETTINGS: Final = "environment.sh"
READY_SECONDS: Final = 180.0
STOP_SECONDS: Final = 15.0


class LocalAirflow:
    """Starts and stops the Airflow of one folder."""

    def __init__(self, path: Path = HOME / "local") -> None:
        self._folder = DemoFolder(path)
        self._database = DemoFolder(path / DATABASE)
        self._sources = DemoFolder(path / SOURCES)
        self._components = Components(self._folder)
        self._lock = FolderLock(self._folder.path / "lock")

    def start(self, port: int) -> None:
        """Start everything, or say that it runs; what an interrupted start or stop left is ended before.

        Raises:
            ConfigError: The port is taken, or another start or stop is at work.
            SourceUnavailable: A component does not come up; the end of its log is in the message.
        """
        began = time.monotonic()
        self._take_lock()
        secrets = secrets_of(self._folder)
        running = self._running_url()
        if running is not None:
            _say(f"Airflow runs already.\n{self._guide(running, secrets)}")
            return
        self._end_all()
        _check_free(port)
        try:
            site = self._start_all(port, secrets)
        except BaseException:
            self._end_all()
            raise
        _say(f"Airflow is up, after {time.monotonic() - began:.0f} s.\n{self._guide(site.url, secrets)}")

    def stop(self) -> None:
        """Stop everything, and make sure of it.

        Raises:
            PermanentError: A process does not end.
        """
        began = time.monotonic()
        self._take_lock()
        count = len(self._components.processes())
        self._end_all()
        seconds = time.monotonic() - began
        _say(f"Stopped {count} processes in {seconds:.0f} s; none is left." if count else "Nothing runs.")

    def _take_lock(self) -> None:
        if not self._lock.acquire():
            raise ConfigError(f"another start or stop is at work in {self._folder.path}.", hint="wait until it ends")
        for folder in (self._folder, self._database):
            folder.prepare()

    def _running_url(self) -> str | None:
        """Where the UI is, when every component lives and is well."""
        started = {one.name for one in self._components.recorded()}
        url = self._folder.read_json(SITE_FILE).get("url")
        if started != {DATABASE, SOURCES, *COMMANDS} or self._components.ended() or url is None:
            return None
        with AirflowApi(str(url), user=ADMIN, password="") as api:
            return str(url) if api.is_healthy() else None

    def _start_all(self, port: int, secrets: SiteSecrets) -> AirflowSite:
        _say("Starting PostgreSQL and the demo's sources ...")
        metadata, state = self._start_servers()
        site = AirflowSite(
            folder=self._folder,
            port=port,
            metadata_url=metadata.url,
            connections={
                **connection_variable("finport_state", state.connection("finport_state")),
                **json.loads((self._sources.path / ENVIRONMENT_FILE).read_bytes()),
            },
            secrets=secrets,
        )
        self._start_airflow(site, state)
        return site

    def _start_servers(self) -> tuple[DatabaseAddress, DatabaseAddress]:
        """Airflow's database and the one of FinPort's state, when they and the demo's sources answer."""
        # What a killed start left would be taken for this one's.
        self._database.remove(ADDRESS_FILE)
        self._sources.remove(ENVIRONMENT_FILE)
        passwords_of(self._database)
        self._components.start(_server(DATABASE, "demo.local_database", self._database.path))
        self._components.start(_server(SOURCES, "demo.sources", self._sources.path))
        sources = self._sources.path / ENVIRONMENT_FILE
        self._components.wait_for(sources.exists, what="the demo's sources", seconds=READY_SECONDS)
        database = self._database.path / ADDRESS_FILE
        self._components.wait_for(database.exists, what="PostgreSQL", seconds=READY_SECONDS)
        addresses = [address_of(self._database, name) for name in ("airflow", "finport")]
        metadata, state = (address for address in addresses if address is not None)
        return metadata, state

    def _start_airflow(self, site: AirflowSite, state: DatabaseAddress) -> None:
        variables = site.variables()
        site.prepare()
        _say("Preparing Airflow's database and FinPort's state ...")
        _migrate(variables, log=self._components.log_of("migrate"))
        State(state.url, SystemClock()).upgrade()
        write_shell_settings(self._folder.path / SHELL_SETTINGS, variables)
        self._folder.write_json(SITE_FILE, {"url": site.url})
        _say(f"Starting {', '.join(COMMANDS)} ...")
        for component in site.components(variables):
            self._components.start(component)
        with AirflowApi(site.url, user=ADMIN, password=site.secrets.admin_password) as api:
            self._components.wait_for(api.is_healthy, what="Airflow", seconds=READY_SECONDS)
            api.log_in()
            self._components.wait_for(
                lambda: api.dag_ids().issuperset(UNPAUSED), what="the DAGs", seconds=READY_SECONDS
            )
            for dag_id in UNPAUSED:
                api.set_paused(dag_id, paused=False)

    def _end_all(self) -> None:
        """Those that make work end first, those that others need last; then whatever is left."""
        for names in (tuple(COMMANDS)[:-1], tuple(COMMANDS)[-1:], (SOURCES, DATABASE)):
            self._components.stop(names, seconds=STOP_SECONDS)
        self._components.clear()
        for folder in (self._database, self._sources):
            end_servers_in(folder.path / "postgres")

    def _guide(self, url: str, secrets: SiteSecrets) -> str:
        settings = _shown(self._folder.path / SHELL_SETTINGS)
        return f"""
  {url}   user {ADMIN}, password {secrets.admin_password}

  Dags > base_standard_ingestion_workflow: it runs every six hours, for the first time at once. Its graph shows
    a group for each source; a task's Logs and XCom tabs say what it did, and why it was skipped.
  Trigger (top right): choose sources and what to leave out, for example force_run_all.
  base_test_workflow is a smoke run. DAGs of your own documents begin paused.

  In a shell:   source {settings}   then, for example, .venv/bin/finport runs
  Logs: {_shown(self._folder.logs)}   Stop: make stop"""


def _server(name: str, module: str, folder: Path) -> Component:
    """A server of the demo as a component."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    command = (sys.executable, "-m", module, "--folder", str(folder))
    return Component(name=name, command=command, environment={**inherited(), "PYTHONPATH": path})


def _migrate(variables: Mapping[str, str], *, log: Path) -> None:
    """Make Airflow's tables, or bring them to the installed version."""
    with log.open("wb") as output:
        done = subprocess.run(
            airflow_command("db", "migrate"),
            env={**inherited(), **variables},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise SourceUnavailable(
            f"'airflow db migrate' fails; the end of {log}:\n{log.read_text(errors='replace')[-2000:]}",
            hint="see the log; the folder .airflow/local can be deleted, it is made again",
        )


def _check_free(port: int) -> None:
    """Raise ConfigError when something listens on the port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} of {HOST} is taken ({error.strerror}).",
                hint=f"end the program that listens there, or choose another port: make start {PORT_VARIABLE}=8081",
            ) from error


def _port() -> int:
    text = os.environ.get(PORT_VARIABLE, "") or str(DEFAULT_PORT)
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise ConfigError(f"{PORT_VARIABLE}={text} is no port.", hint="set a number from 1 to 65535, or nothing")
    return int(text)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """0 when it is done, 1 with one message when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m demo.local", description=__doc__)
    parser.add_argument("action", choices=("start", "stop"))
    action = parser.parse_args().action
    # A cancelled start cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        local = LocalAirflow()
        local.start(_port()) if action == "start" else local.stop()
    except FinportError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was left running\n" if action == "start" else "interrupted\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
