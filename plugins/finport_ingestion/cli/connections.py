"""Connections for a person at the command line: out of the environment, else as Airflow knows them."""

from __future__ import annotations

import configparser
import contextlib
import importlib.util
import io
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from finport_ingestion.cli.exits import DEBUG_VARIABLE
from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.hooks.specs import spec_of

_HOME_VARIABLE = "AIRFLOW_HOME"
_CONFIGURED = (
    "AIRFLOW__SECRETS__BACKEND",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET",
)
_SQLITE = "sqlite:///"
_EMPTY_BYTES = 4096  # a SQLite file of one page has no tables


class CommandLineConnections:
    """`AIRFLOW_CONN_<ID>` first; then Airflow's secrets backends and database, where Airflow is set up.

    Airflow takes seconds to import, so it is asked only for what the environment does not have.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._known = EnvironmentConnections(self._environment)
        self._asked: dict[str, ConnectionSpec | MissingConnection] = {}

    def get(self, connection_id: str) -> ConnectionSpec:
        """The connection called so.

        Raises:
            MissingConnection: Neither the environment nor Airflow knows it.
        """
        try:
            return self._known.get(connection_id)
        except MissingConnection as missing:
            if not airflow_is_set_up(self._environment):
                raise
            if connection_id not in self._asked:
                self._asked[connection_id] = _from_airflow(connection_id) or missing
        found = self._asked[connection_id]
        if isinstance(found, MissingConnection):
            raise found
        return found


def airflow_is_set_up(environment: Mapping[str, str]) -> bool:
    """Whether Airflow is installed here and has a database or a secrets backend that can hold connections.

    Found out without importing it: that would make a home where none is, and take seconds.
    """
    if importlib.util.find_spec("airflow") is None:
        return False
    if any(environment.get(name) for name in _CONFIGURED):
        return True
    home = Path(environment.get(_HOME_VARIABLE) or Path.home() / "airflow")
    configured = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        configured.read(home / "airflow.cfg")
    except configparser.Error:
        return True  # Airflow itself says best what is wrong with it
    if configured.get("secrets", "backend", fallback="").strip():
        return True
    address = configured.get("database", "sql_alchemy_conn", fallback="").strip() or f"{_SQLITE}{home}/airflow.db"
    if not address.startswith(_SQLITE):
        return True
    file = Path(address.removeprefix(_SQLITE))
    return file.is_file() and file.stat().st_size > _EMPTY_BYTES


def _from_airflow(connection_id: str) -> ConnectionSpec | None:
    with _own_logging():
        from airflow.models.connection import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            return spec_of(connection_id, Connection.get_connection_from_secrets(connection_id))
        except AirflowNotFoundException:
            return None


@contextlib.contextmanager
def _own_logging() -> Iterator[None]:
    """From its import on, Airflow sends every log line to the screen; a command's output is its result."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    elsewhere = sys.stderr if os.environ.get(DEBUG_VARIABLE) == "1" else io.StringIO()
    try:
        with contextlib.redirect_stdout(elsewhere), contextlib.redirect_stderr(elsewhere):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
