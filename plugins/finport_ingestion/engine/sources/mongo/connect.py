"""One server of a MongoDB, reached at an address that was checked.

The driver finds a deployment's servers by itself, by names that they state. It is kept from that: each server of the
document is resolved here once, and the driver gets one address, without discovery. TLS verifies the name all the same.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymongo

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, ConfigError, SourceUnavailable
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.mongo.errors import told_in_our_errors
from finport_ingestion.engine.sources.tcp import own_tls, secured

Client = pymongo.MongoClient[dict[str, Any]]

_DEFAULT_PORT = 27017
_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "MONGODB-X509", "PLAIN")
_POOL_TLS = "_PoolOptions__ssl_context"
"""Where the driver keeps its TLS: it takes none of ours, and so neither a least version nor another name to verify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server as the document or its SRV record names it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _NamedTls:
    """TLS as the driver uses it, which verifies `name`, whatever address the driver connects to."""

    context: ssl.SSLContext
    name: str

    verify_mode = ssl.CERT_REQUIRED
    check_hostname = True

    def wrap_socket(self, sock: Any, *, server_hostname: str | None = None, session: Any = None) -> ssl.SSLSocket:
        return self.context.wrap_socket(sock, server_hostname=self.name, session=session)


@contextmanager
def reached(access: Access, *, what: str) -> Iterator[Client]:
    """A client of the deployment's primary, or of a secondary where none of the servers is the primary.

    Raises:
        SourceUnavailable, AccessDenied, ConfigError: None of the servers can be used, or not like this.
    """
    connection = _connection(access)
    tls = _tls(access, connection, what=what)
    secondary: Server | None = None
    failure: SourceUnavailable | None = None
    for server in servers(connection, what=what):
        try:
            with _client(access, connection, server, tls=tls, what=what) as client:
                if _is_primary(client):
                    yield client
                    return
                secondary = secondary or server
        except _NotReached as error:
            failure = error.cause
    if secondary is None:
        raise failure or SourceUnavailable(f"{what}: no server is named.", hint="fill in the connection's host")
    try:
        with _client(access, connection, secondary, tls=tls, what=what) as client:
            yield client
    except _NotReached as error:
        raise error.cause from None


class _NotReached(Exception):
    """A server that is down: another may be up. Only before a client is handed out."""

    def __init__(self, cause: SourceUnavailable) -> None:
        super().__init__(cause.message)
        self.cause = cause


def servers(connection: ConnectionSpec, *, what: str) -> tuple[Server, ...]:
    """`host[:port]`, several with commas; or, with `srv` in the extra, those of the SRV record of the host.

    Raises:
        ConfigError: The host cannot be read, or its record names servers of another domain.
    """
    from pymongo.uri_parser import parse_uri

    host = connection.host or ""
    port = connection.port or _DEFAULT_PORT
    is_srv = str(connection.extra.get("srv", "")).lower() in ("true", "1", "yes")
    if "/" in host or "@" in host:
        raise ConfigError(f"{what}: the host is no host name.", hint="write host[:port], without mongodb:// and login")
    try:
        # The driver holds the rule that a record's servers lie in the host's own domain.
        found = parse_uri(f"mongodb{'+srv' if is_srv else ''}://{host}/", default_port=port)
    except pymongo.errors.ConfigurationError as error:
        if is_srv and "_mongodb._tcp" in str(error):
            raise SourceUnavailable(
                f"{what}: the SRV record of '{host}' is not found.", hint="check the host, and this machine's DNS"
            ) from None
        raise ConfigError(f"{what}: the servers cannot be read: {error}.", hint="correct the connection") from None
    except (pymongo.errors.PyMongoError, ValueError) as error:
        raise ConfigError(f"{what}: the host cannot be read ({error}).", hint="write host[:port]") from None
    return tuple(Server(host=name, port=number or port) for name, number in found["nodelist"])


@contextmanager
def _client(
    access: Access, connection: ConnectionSpec, server: Server, *, tls: ssl.SSLContext | None, what: str
) -> Iterator[Client]:
    access.gate.admit(access.deadline)
    began = time.monotonic()
    try:
        client = _opened(access, connection, server, tls=tls, what=what)
    except SourceUnavailable as error:
        access.gate.report(Answer(outcome="failed", seconds=time.monotonic() - began))
        raise _NotReached(error) from error
    except (AccessDenied, ConfigError):
        access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
        raise
    access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
    with client, told_in_our_errors(what, connection_id=connection.id):
        yield client


def _opened(
    access: Access, connection: ConnectionSpec, server: Server, *, tls: ssl.SSLContext | None, what: str
) -> Client:
    seconds = access.deadline.bound(access.request_timeout_seconds)
    ip = _checked_address(access, server, tls, what=f"{what} at {server}", seconds=seconds)
    milliseconds = int(seconds * 1000)
    client: Client = pymongo.MongoClient(
        [f"[{ip}]:{server.port}" if ":" in ip else f"{ip}:{server.port}"],
        connect=False,
        directConnection=True,
        retryReads=False,
        connectTimeoutMS=milliseconds,
        # A count may take as long as the step; that somebody is there was seen a moment ago.
        socketTimeoutMS=max(1, int(access.deadline.seconds_left() * 1000)),
        serverSelectionTimeoutMS=milliseconds,
        maxPoolSize=1,
        appname="finport-ingestion",
        tz_aware=True,
        uuidRepresentation="standard",
        **_credentials(connection),
    )
    if tls is not None:
        setattr(client.options.pool_options, _POOL_TLS, _NamedTls(tls, server.host))
    try:
        with told_in_our_errors(f"{what} at {server}", connection_id=connection.id):
            client.admin.command("hello")
    except BaseException:
        client.close()
        raise
    return client


def _checked_address(access: Access, server: Server, tls: ssl.SSLContext | None, *, what: str, seconds: float) -> str:
    """The address that answers; the driver alone would only say, after a while, that it found no server."""
    reached = connected(server.host, server.port, protection=access.protection, timeout_seconds=seconds, what=what)
    with reached:
        ip: str = reached.getpeername()[0]
        if tls is not None:
            secured(reached, tls, server.host, what=what).close()
    return ip


def _is_primary(client: Client) -> bool:
    """Whether it takes writes, or is a router that knows who does."""
    hello = client.admin.command("hello")
    return bool(hello.get("isWritablePrimary"))


def _tls(access: Access, connection: ConnectionSpec, *, what: str) -> ssl.SSLContext | None:
    if access.protection.proxy:
        raise ConfigError(
            f"{what}: MongoDB's driver goes through no proxy.",
            hint="leave 'proxy' out of the connection's extra and security; route the network instead",
        )
    if str(connection.extra.get("tls", "true")).lower() in ("false", "0", "no"):
        access.protection.demand_tls(what=what, fix="take 'tls: false' out of the connection's extra")
        return None
    return own_tls(access)


def _credentials(connection: ConnectionSpec) -> dict[str, Any]:
    mechanism = connection.extra.get("auth_mechanism")
    if mechanism is not None and mechanism not in _MECHANISMS:
        raise ConfigError(
            f"connection '{connection.id}': '{mechanism}' is no auth_mechanism that is known here.",
            hint=f"use one of {', '.join(_MECHANISMS)}, or leave it out",
        )
    if mechanism == "MONGODB-X509":
        return {"authMechanism": mechanism, **({"username": connection.login} if connection.login else {})}
    if not connection.login:
        return {}
    external = "$external" if mechanism == "PLAIN" else "admin"
    return {
        "username": connection.login,
        "password": connection.secret(),
        "authSource": connection.extra.get("auth_source", external),
        **({"authMechanism": mechanism} if mechanism else {}),
    }


def _connection(access: Access) -> ConnectionSpec:
    if access.connection is None or not access.connection.host:
        raise ConfigError(
            f"{access.source}: no server.", hint="state 'connection' in the source, and fill in the connection's host"
        )
    return access.connection
