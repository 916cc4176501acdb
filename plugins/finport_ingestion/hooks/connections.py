"""Airflow's connections, from its database, a secrets backend or the environment, as the engine wants them."""

from __future__ import annotations

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import MissingConnection
from finport_ingestion.hooks.provided import with_provided
from finport_ingestion.hooks.specs import spec_of


class AirflowConnections:
    """The connections that a task of Airflow may use."""

    def get(self, connection_id: str) -> ConnectionSpec:
        """The connection called so.

        Raises:
            MissingConnection: Airflow knows none.
        """
        try:
            connection = Connection.get(connection_id)
        except AirflowNotFoundException as error:
            raise MissingConnection(
                f"no connection '{connection_id}'.",
                hint=f"add it in Airflow (Admin, Connections), or set AIRFLOW_CONN_{connection_id.upper()}",
            ) from error
        return with_provided(spec_of(connection_id, connection, read=lambda: self.get(connection_id)))
