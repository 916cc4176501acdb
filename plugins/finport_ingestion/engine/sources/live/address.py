"""Where a WebSocket is, out of a document and a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.interface import Access

_PORTS = {"wss": 443, "ws": 80}
_OVER_HTTP = {"https": "wss", "http": "ws"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One WebSocket. `url` holds its query, in which there may be a key: it stands in no text of this object."""

    url: str = field(repr=False)
    host: str
    port: int
    path: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.path} at {self.host}:{self.port}"


def address_of(stated: str | None, path: str, query: Mapping[str, str], access: Access) -> Address:
    """The address; wss where nobody says otherwise.

    Args:
        stated: `ws[s]://host[:port][/path]` of the document; by default the connection's host.

    Raises:
        ConfigError: Nobody says where, or it is no such address, or would travel without TLS.
    """
    base = stated or _of_connection(access)
    if not base:
        raise ConfigError(
            f"{access.source}: no address.", hint="fill in the connection's host, or state 'url' in the source"
        )
    try:
        parts = urlsplit(base)
        scheme, host, port = _OVER_HTTP.get(parts.scheme, parts.scheme), parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in _PORTS or not host or parts.username or parts.password or parts.query or parts.fragment:
        # The text is not repeated: it may hold a password.
        raise ConfigError(
            f"{access.source}: the address is no WebSocket's.",
            hint="write wss://host[:port][/path]; credentials belong into the connection's login and password",
        )
    if scheme == "ws":
        access.protection.demand_tls(what=f"{access.source}: WebSocket to {host}", fix="use wss://")
    whole = f"{parts.path.rstrip('/')}/{path.lstrip('/')}"
    place = f"[{host}]" if ":" in host else host
    at = f"{place}:{port}" if port and port != _PORTS[scheme] else place
    asked = f"?{urlencode(query)}" if query else ""
    return Address(
        url=f"{scheme}://{at}{whole}{asked}", host=host, port=port or _PORTS[scheme], path=whole, tls=scheme == "wss"
    )


def _of_connection(access: Access) -> str | None:
    connection = access.connection
    if connection is None or not connection.host:
        return None
    if "://" in connection.host:
        scheme, _, rest = connection.host.partition("://")
    else:
        stated = str(connection.schema or "wss")
        scheme, rest = (stated if stated in (*_PORTS, *_OVER_HTTP) else "wss"), connection.host
    host, slash, path = rest.partition("/")
    has_port = host.rpartition(":")[2].isdecimal() and not host.endswith("]")
    port = f":{connection.port}" if connection.port and not has_port else ""
    return f"{scheme}://{host}{port}{slash}{path}"
