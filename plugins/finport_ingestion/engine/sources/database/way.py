"""The way to a database server: one host, checked addresses, verified TLS, and no key that weakens it."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from finport_ingestion.engine.errors import AddressRefused, ConfigError
from finport_ingestion.engine.network.addresses import resolved
from finport_ingestion.engine.sources.interface import Access

DATABASES_EXTRA = "airflow-provider-finport-ingestion[databases]"
"""What brings the drivers that are not always installed."""

_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a database is; `ips` are all allowed, and what to connect to. None of them: a socket of this machine."""

    host: str
    port: int
    database: str
    ips: tuple[str, ...]


def server_of(access: Access, *, port: int, weakening: Iterable[str] = ()) -> Server:
    """The server of the connection, its name resolved once, for drivers that connect by themselves.

    Args:
        port: Where the connection states none.
        weakening: Keys of the connection's extra that a driver would take as a wish for less protection.

    Raises:
        ConfigError: Host or database is missing; the extra holds such a key; a proxy is stated.
        AddressRefused: The host is at an address that this source may not reach.
        SourceUnavailable: The name is not found.
    """
    host, port, database = named_server(access, port=port, weakening=weakening)
    refuse_proxy(access)
    if is_local_socket(host):
        demand_private(access, host)
        return Server(host=host, port=port, database=database, ips=())
    addresses = resolved(host, port, protection=access.protection, what=f"{access.source}: the database")
    return Server(host=host, port=port, database=database, ips=tuple(each.ip for each in addresses))


def named_server(access: Access, *, port: int, weakening: Iterable[str] = ()) -> tuple[str, int, str]:
    """Host, port and database as the connection names them. Raises ConfigError as `server_of` does."""
    connection = access.connection
    if connection is None or not connection.host or not connection.schema:
        raise ConfigError(f"{access.source}: no host or no database.", hint="fill in the connection's host and schema")
    refuse_weakening(access, weakening)
    if "," in connection.host:
        raise ConfigError(
            f"{access.source}: connection '{connection.id}' names several hosts.",
            hint="name one; state another source as a fallback",
        )
    return connection.host, connection.port or port, connection.schema


def is_local_socket(host: str) -> bool:
    """Whether a host is the path of a socket."""
    return host.startswith(("/", "@"))


def refuse_proxy(access: Access) -> None:
    """Raise ConfigError where a proxy is stated: these drivers know no way through one."""
    if access.protection.proxy:
        raise ConfigError(
            f"{access.source}: this kind of database is not reached through an HTTP proxy.",
            hint="take 'proxy' out of the connection's extra and of the source's security",
        )


def authorities_file(access: Access) -> str:
    """The PEM file of the authorities to trust, for drivers that want a file: `ca_file`, or else the machine's.

    Raises:
        ConfigError: The worker cannot read `ca_file`.
    """
    stated = access.protection.ca_file
    if stated is None:
        return _authorities_of_the_machine()
    try:
        with Path(stated).open("rb"):
            return stated
    except OSError as error:
        raise ConfigError(
            f"{access.source}: ca_file {stated} cannot be used ({error.strerror}).",
            hint="name a PEM file that the worker can read, in the connection's extra or as security.caFile",
        ) from error


def _authorities_of_the_machine() -> str:
    stated = ssl.get_default_verify_paths().cafile
    found = next((path for path in (stated, *_BUNDLES) if path and Path(path).is_file()), None)
    if found:
        return found
    import certifi

    return certifi.where()


def refuse_weakening(access: Access, weakening: Iterable[str]) -> None:
    """Raise ConfigError where the connection's extra holds one of these keys."""
    extra = access.connection.extra if access.connection else {}
    stated = sorted(key for key in weakening if key in extra)
    if stated:
        raise ConfigError(
            f"{access.source}: the connection's extra holds '{stated[0]}'.",
            hint=f"take it out: certificate and host name are always verified, a private authority is named by"
            f" 'ca_file', and a server without TLS needs security.allowPlaintext in the source ({', '.join(stated)})",
        )


def demand_private(access: Access, host: str) -> None:
    """Raise AddressRefused where a source may not reach a socket of this machine."""
    if not access.protection.allow_private_network:
        raise AddressRefused(
            f"{access.source}: '{host}' is a socket of this machine, which is no address of the public network.",
            hint="correct the host; if the source is on this machine, state security.allowPrivateNetwork",
        )
