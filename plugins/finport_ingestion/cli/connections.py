"""Connections for a person at the command line: out of the environment, else as Airflow knows them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.engine.connections import ConnectionSpec, EnvironmentConnections
from finport_ingestion.engine.errors import MissingConnection

if TYPE_CHECKING:
    from airflow.models.connection import Connection

_HOME_VARIABLE = "AIRFLOW_HOME"
_USUAL_HOME = "airflow"


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
    """Whether Airflow is installed, and has a home that can hold connections."""
    if importlib.util.find_spec("airflow") is None:
        return False
    named = environment.get(_HOME_VARIABLE)
    return Path(named).is_dir() if named else (Path.home() / _USUAL_HOME / "airflow.cfg").is_file()


def _from_airflow(connection_id: str) -> ConnectionSpec | None:
    import logging

    # A home without a database yet is told of as an error with a traceback; here it only means "not known".
    logging.getLogger("airflow").setLevel(logging.CRITICAL)
    from airflow.models.connection import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return _spec(connection_id, Connection.get_connection_from_secrets(connection_id))
    except AirflowNotFoundException:
        return None


def _spec(connection_id: str, connection: Connection) -> ConnectionSpec:
    return ConnectionSpec(
        id=connection_id,
        kind=connection.conn_type or "",
        host=connection.host or None,
        port=connection.port,
        schema=connection.schema or None,
        login=connection.login or None,
        extra=connection.extra_dejson,
        secret=lambda: connection.password,
    )
