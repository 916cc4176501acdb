"""A connected socket to a checked address, for clients that take one."""

from __future__ import annotations

import socket

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.network.protection import Protection


def connected(host: str, port: int, *, protection: Protection, timeout_seconds: float, what: str) -> socket.socket:
    """Connect to the first address of `host` that answers; the caller closes the socket.

    Raises:
        AddressRefused: An address is not allowed for this source.
        SourceUnavailable: The name is not found, or no address answers.
    """
    failure: OSError | None = None
    for address in resolved(host, port, protection=protection, what=what):
        try:
            return socket.create_connection((address.ip, address.port), timeout=timeout_seconds)
        except OSError as error:
            failure = error
    reason = (failure.strerror or "no answer in time") if failure else "it has no address"
    raise SourceUnavailable(
        f"{what}: {host}:{port} cannot be reached ({reason}).", hint="check host and port, and whether the server is up"
    ) from failure
