"""The connection types that this provider adds; each can be tested from Airflow's connection form."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from airflow.sdk import BaseHook

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.resilience.gate import LocalGate
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.hooks.connections import AirflowConnections

_SECONDS = 10.0
_ONE_A_SECOND = (1, 1)


class _TestedHook(BaseHook):
    """A hook that only knows how to try its connection; the engine does everything else."""

    conn_name_attr = "connection_id"

    def __init__(self, connection_id: str) -> None:
        super().__init__()
        self.connection_id = connection_id

    def get_conn(self) -> ConnectionSpec:
        """The connection as the engine sees it."""
        return AirflowConnections().get(self.connection_id)

    def test_connection(self) -> tuple[bool, str]:
        """Whether the connection works, and a sentence about it."""
        try:
            return True, self._try(self.get_conn())
        except (FinportError, OSError) as error:
            return False, str(error)

    def _try(self, connection: ConnectionSpec) -> str:
        raise FinportError("this connection type cannot be tried.")


class HttpConnectionHook(_TestedHook):
    """An API: base URL, credentials, CA, proxy."""

    conn_type = "finport_http"
    hook_name = "FinPort API"
    default_conn_name = "finport_http_default"

    def _try(self, connection: ConnectionSpec) -> str:
        from finport_ingestion.engine.auth.interface import Request
        from finport_ingestion.engine.sources.web.address import base_url
        from finport_ingestion.engine.sources.web.caller import caller

        access = _access(connection)
        url = base_url(None, access)
        reply = caller(access)(Request(method="HEAD", url=url))
        return f"{urlsplit(url).hostname} answers with status {reply.status}"


class FileConnectionHook(_TestedHook):
    """A folder that the workers see."""

    conn_type = "finport_file"
    hook_name = "FinPort folder"
    default_conn_name = "finport_file_default"

    def _try(self, connection: ConnectionSpec) -> str:
        folder = Path(str(connection.extra.get("path", "")))
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            raise FinportError(f"{folder} is no folder that this user can read.", hint="check the path and its rights")
        return f"{folder} can be read"


class StateConnectionHook(_TestedHook):
    """The state database."""

    conn_type = "finport_state"
    hook_name = "FinPort state database"
    default_conn_name = "finport_state"

    def _try(self, connection: ConnectionSpec) -> str:
        from finport_ingestion.engine.state.address import state_url
        from finport_ingestion.engine.state.state import State

        State(state_url(connection), SystemClock()).check()
        return "the state database is there and up to date"


def _access(connection: ConnectionSpec) -> Access:
    """A try sends no credentials, and knows no policy: whatever some policy may allow is reached."""
    clock = SystemClock()
    return Access(
        source=connection.id,
        connection=connection,
        auth=None,
        auth_connection=None,
        deadline=Deadline.after(_SECONDS, clock=clock, what="the try"),
        gate=LocalGate.of(f"try of {connection.id}", _ONE_A_SECOND, clock),
        protection=Protection(
            min_tls="1.2",
            allow_plaintext=True,
            allow_private_network=True,
            ca_file=connection.extra.get("ca_file"),
            proxy=connection.extra.get("proxy"),
        ),
        request_timeout_seconds=_SECONDS,
        connections=1,
    )
