"""The way of HTTP to a source: checked addresses, TLS, the proxy, and no more connections than are allowed."""

from __future__ import annotations

import socket
import ssl
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.network.addresses import check_allowed, resolved
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.network.runner import resolve_in_thread
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.connector import Connection

_READ_AHEAD_BYTES = 1 << 18
_KEPT_SECONDS = 30.0
_PORTS = {"http": 80, "https": 443}


class Way:
    """The checks of one client. aiohttp connects to the addresses that its resolver gives, and to no others.

    With a proxy, the proxy connects. Literal addresses, and names that are known here, are checked all the same; a
    name that only the proxy can resolve is left to it, since nobody here can know where it leads. The proxy itself is
    stated by who runs this, and may be anywhere.
    """

    def __init__(self, access: Access) -> None:
        self._source = access.source
        self._protection = access.protection
        self._checked: set[str] = set()

    async def check(self, url: str) -> None:
        """Refuse what no resolver is asked about. To be awaited before each request and each redirect.

        Raises:
            AddressRefused: The host is an address, or behind a proxy a name, that the source may not reach.
            ConfigError: There would be no TLS.
        """
        scheme, _, rest = url.partition("://")
        origin = f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"
        if origin in self._checked:
            return
        address = urlsplit(origin)
        host = address.hostname or ""
        what = f"{self._source}: HTTP to {host}"
        if scheme != "https":
            self._protection.demand_tls(what=what, fix="use https://")
        if _is_literal(host):
            check_allowed([host], host=host, protection=self._protection, what=what)
        elif self._protection.proxy:
            await self._check_name(host, address.port or _PORTS[address.scheme], what)
        self._checked.add(origin)

    async def addresses(self, host: str, port: int) -> list[ResolveResult]:
        """Where to connect to for `host`, the proxy's where there is one. Raises AddressRefused, SourceUnavailable."""
        protection = Protection(allow_private_network=True) if self._protection.proxy else self._protection
        what = f"{self._source}: HTTP to {host}"
        found = await resolve_in_thread(partial(resolved, host, port, protection=protection, what=what))
        return [
            ResolveResult(
                hostname=host,
                host=address.ip,
                port=port,
                family=address.family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def _check_name(self, host: str, port: int, what: str) -> None:
        try:
            await resolve_in_thread(partial(resolved, host, port, protection=self._protection, what=what))
        except SourceUnavailable:
            return


class _Resolver(AbstractResolver):
    def __init__(self, way: Way) -> None:
        self._way = way

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return await self._way.addresses(host, port)

    async def close(self) -> None:
        """Nothing is held."""


class ServerLostError(aiohttp.ClientError):
    """The connection ended before an answer began on it, as kept ones do; the same may be asked on another one."""


async def _asked_once(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Ask one time: aiohttp would ask again by itself, and the gate would not know of it."""
    try:
        return await ask(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ServerLostError from error


class _Response(aiohttp.ClientResponse):
    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Refuse what had come before the request was sent: bytes too many behind the last answer are no answer."""
        if connection.protocol is None or connection.protocol.should_close:
            raise aiohttp.ServerDisconnectedError("something came that was not asked for")
        return await super().start(connection)


async def open_session(
    access: Access, way: Way, tls: ssl.SSLContext, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    """A session that follows nothing, unpacks nothing and remembers no cookies; `headers` go with each request.

    Proxies of the environment are not used: where data and credentials go is for the connection to say.
    """
    connector = aiohttp.TCPConnector(
        limit=access.connections, ssl=tls, resolver=_Resolver(way), keepalive_timeout=_KEPT_SECONDS
    )
    return aiohttp.ClientSession(
        connector=connector,
        middlewares=(_asked_once,),
        response_class=_Response,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        proxy=access.protection.proxy,
        read_bufsize=_READ_AHEAD_BYTES,
        requote_redirect_url=False,
    )


def timeout_of(access: Access) -> aiohttp.ClientTimeout:
    """For a request that is sent now: to connect, and for each wait for more of the answer.

    Raises:
        DeadlineExceeded: Nothing is left.
    """
    return _timeout(access.deadline.bound(access.request_timeout_seconds))


# The same for each request, but for the last ones before a deadline.
@lru_cache(maxsize=16)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)


def plain_headers(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    """With lower-case names; what was sent several times is joined as HTTP says."""
    joined: dict[str, str] = {}
    for name, value in response.headers.items():
        lower = name.lower()
        joined[lower] = f"{joined[lower]}, {value}" if lower in joined else value
    return joined


def cut(response: aiohttp.ClientResponse) -> None:
    """Let go of an answer. Where it was not read to its end, its connection ends now, without TLS's goodbye."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
