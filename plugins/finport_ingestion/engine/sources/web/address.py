"""Where an API is: the base URL out of a document and a connection."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.interface import Access

_SCHEMES = ("https", "http")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def base_url(stated: str | None, access: Access) -> str:
    """`scheme://host[:port][/path]` without a slash at its end; https where nobody says otherwise.

    Raises:
        ConfigError: Nobody says where, it is no URL, or what travels would be unprotected.
    """
    url = stated or (_of_connection(access.connection) if access.connection else None)
    if not url:
        raise ConfigError(
            f"{access.source}: no address.", hint="fill in the connection's host, or state 'url' in the source"
        )
    address = _split(url, access)
    if address.scheme == "http":
        access.protection.demand_tls(what=f"{access.source}: HTTP to {address.hostname}", fix="use https://")
    if address.scheme == "http" and access.auth and address.hostname not in _LOOPBACK:
        raise ConfigError(
            f"{access.source}: credentials would travel unprotected to {address.hostname}.", hint="use https://"
        )
    return url.rstrip("/")


def below(base: str, path: str) -> str:
    """`path` below the base URL, whether or not it begins with a slash."""
    return f"{base}/{path.lstrip('/')}"


def _split(url: str, access: Access) -> SplitResult:
    try:
        address = urlsplit(url)
        usable = address.scheme in _SCHEMES and address.hostname and (address.port or True)
    except ValueError:
        usable = False
    if not usable or address.username or address.password or address.query or address.fragment:
        # The text is not repeated: it may hold a password.
        raise ConfigError(
            f"{access.source}: the address is no base URL.",
            hint="write https://host[:port][/path]; credentials belong into the connection's login and password",
        )
    return address


def _of_connection(connection: ConnectionSpec) -> str | None:
    """Airflow writes `host` with or without its scheme, which may also stand in `schema`."""
    if not connection.host:
        return None
    scheme = connection.schema if connection.schema in _SCHEMES else "https"
    url = connection.host if "://" in connection.host else f"{scheme}://{connection.host}"
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    has_port = host.rpartition(":")[2].isdecimal() and not host.endswith("]")
    port = f":{connection.port}" if connection.port and not has_port else ""
    return f"{scheme}://{host}{port}{slash}{path}"
