"""A connection of Airflow as the engine's; Airflow is only named here, not imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from finport_ingestion.engine.connections import ConnectionSpec

if TYPE_CHECKING:
    from airflow.models.connection import Connection as StoredConnection
    from airflow.sdk import Connection


def spec_of(
    connection_id: str,
    connection: Connection | StoredConnection,
    *,
    read: Callable[[], ConnectionSpec] | None = None,
) -> ConnectionSpec:
    """What the engine needs of `connection`; its password is asked for when it is used.

    Args:
        read: Asks Airflow for it once more.
    """
    return ConnectionSpec(
        id=connection_id,
        kind=connection.conn_type or "",
        host=connection.host or None,
        port=connection.port,
        schema=connection.schema or None,
        login=connection.login or None,
        extra=connection.extra_dejson,
        secret=lambda: connection.password or None,
        read=read,
    )
