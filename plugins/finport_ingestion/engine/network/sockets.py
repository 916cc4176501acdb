"""A connected socket to a checked address, for clients that take one."""

from __future__ import annotations

import socket
from contextlib import suppress

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.network.http_proxy import HttpProxy
from finport_ingestion.engine.network.protection import Protection


def connected(host: str, port: int, *, protection: Protection, timeout_seconds: float, what: str) -> socket.socket:
    """Connect to the first address of `host` that answers, through the source's proxy if it has one.

    A proxy is asked for the address that was checked, not for the name, which it might find elsewhere. A name that is
    not found here is left to it, and every name of a source that may reach private addresses.

    Args:
        timeout_seconds: For each address; the socket keeps it as its timeout.

    Returns:
        A socket that the caller closes.

    Raises:
        AddressRefused: An address is not allowed for this source.
        SourceUnavailable: The name is not found, or no address answers.
        AccessDenied, ConfigError: The proxy refuses, or its address is wrong.
    """
    way = _through_proxy if protection.proxy else _directly
    reached = way(host, port, protection=protection, timeout_seconds=timeout_seconds, what=what)
    # A small request behind the end of a handshake would wait for the server's delayed ACK, 40 ms.
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reached


def _directly(host: str, port: int, *, protection: Protection, timeout_seconds: float, what: str) -> socket.socket:
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


def _through_proxy(host: str, port: int, *, protection: Protection, timeout_seconds: float, what: str) -> socket.socket:
    proxy = HttpProxy.of(protection.proxy or "", what=what)
    names: tuple[str, ...] = (host,)
    if not protection.allow_private_network:
        with suppress(SourceUnavailable):
            names = tuple(address.ip for address in resolved(host, port, protection=protection, what=what))
    failure: SourceUnavailable | None = None
    for name in names:
        target = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
        try:
            return proxy.connect(target, timeout_seconds=timeout_seconds, what=what)
        except SourceUnavailable as error:
            failure = error
    raise failure or SourceUnavailable(f"{what}: {host} has no address.", hint="check the host")
