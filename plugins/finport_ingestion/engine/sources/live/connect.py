"""A WebSocket over a checked and connected socket, whose opening request is signed.

It lives in the event loop: a TLS connection must not be read and written by two threads at a time.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.http11 import Response

from finport_ingestion import __version__
from finport_ingestion.engine.auth.interface import Request
from finport_ingestion.engine.errors import (
    AccessDenied,
    FinportError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.network.runner import finish, run
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.resilience.wire import retry_after_seconds, translated
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.live.address import Address
from finport_ingestion.engine.sources.tcp import own_tls
from finport_ingestion.engine.sources.web.signing import signer_of

# It would tell the headers of the opening request, and whole messages.
_SILENT = logging.getLogger("finport_ingestion.websocket")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL + 1)

_PING_SECONDS = 20.0
_GOODBYE_SECONDS = 0.5  # a server that goes on sending need not be listened to until it has heard us


class Line:
    """Opens connections to one address, each anew. Made once for a window."""

    def __init__(self, access: Access, address: Address, *, headers: Mapping[str, str], most_bytes: int) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: TLS or credentials cannot be set up.
        """
        self._access = access
        self._address = address
        self._headers = headers
        self._most_bytes = most_bytes
        tls = own_tls(access)
        self._signer = signer_of(access, base_url=_as_http(address.url), tls=tls)
        self._tls = tls if address.tls else None
        self._what = f"{access.source}: WebSocket {address}"

    @contextmanager
    def opened(self) -> Iterator[ClientConnection]:
        """One connection, as long as the block.

        Raises:
            SourceUnavailable, AccessDenied, ConfigError, SourceItemMissing, RateLimited, PermanentError: There is none.
        """
        self._access.gate.admit(self._access.deadline)
        began = time.monotonic()
        try:
            connection = self._connected()
        except FinportError as error:
            self._access.gate.report(_answer(error, seconds=time.monotonic() - began))
            raise
        self._access.gate.report(Answer(outcome="good", seconds=time.monotonic() - began))
        try:
            yield connection
        finally:
            finish(connection.close())

    def _connected(self) -> ClientConnection:
        request = self._request()
        try:
            return self._try(request)
        except InvalidStatus as error:
            refused = error.response.status_code == HTTPStatus.UNAUTHORIZED
            if not (refused and self._signer and self._signer.renew(request)):
                raise self._refusal(error.response) from None
        try:
            return self._try(self._request())
        except InvalidStatus as error:
            raise self._refusal(error.response) from None

    def _try(self, request: Request) -> ClientConnection:
        """Raises InvalidStatus where the server answers with no WebSocket."""
        seconds = self._access.deadline.bound(self._access.request_timeout_seconds)
        reached = self._socket(seconds)
        try:
            return run(self._open(reached, request, seconds))
        except InvalidStatus:
            raise
        except (WebSocketException, OSError, EOFError, ValueError) as error:
            if isinstance(error.__cause__, InvalidStatus):
                raise error.__cause__ from None  # it leads elsewhere, which is not followed
            raise self._failure(error) from None
        finally:
            # Within the loop it has an owner of its own; where it has none, nobody else closes it.
            reached.close()

    def _socket(self, seconds: float) -> socket.socket:
        host, port = self._address.host, self._address.port
        return connected(host, port, protection=self._access.protection, timeout_seconds=seconds, what=self._what)

    async def _open(self, reached: socket.socket, request: Request, seconds: float) -> ClientConnection:
        own = reached.dup()
        own.setblocking(False)
        try:
            return await connect(
                request.url,
                sock=own,
                ssl=self._tls,
                server_hostname=self._address.host if self._tls else None,
                additional_headers=dict(request.headers),
                user_agent_header=f"finport-ingestion/{__version__}",
                open_timeout=seconds,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                close_timeout=_GOODBYE_SECONDS,
                max_size=self._most_bytes,
                logger=_SILENT,
                proxy=None,
            )
        except BaseException:
            own.close()
            raise

    def _request(self) -> Request:
        # Methods sign requests of HTTP, which is what a WebSocket begins with.
        plain = Request(method="GET", url=_as_http(self._address.url), headers=self._headers)
        signed = self._signer.signed(plain) if self._signer else plain
        return Request(method="GET", url=f"ws{signed.url.removeprefix('http')}", headers=signed.headers)

    def _failure(self, error: Exception) -> FinportError:
        if isinstance(error, TimeoutError):
            return SourceUnavailable(f"{self._what}: no answer in time.", hint="try later; check the server")
        if isinstance(error, OSError):
            return translated(error, self._what)
        if isinstance(error, InvalidHandshake | EOFError):
            return SourceUnavailable(f"{self._what}: the server opens no WebSocket.", hint="check path and port")
        return SourceUnavailable(
            f"{self._what}: the connection fails ({type(error).__name__}).", hint="try later; check the server"
        )

    def _refusal(self, response: Response) -> FinportError:
        status = response.status_code
        told = f"{self._what} answers {status}."
        found = self._access.auth_connection or self._access.connection
        connection = f"connection '{found.id}'" if found else "the source"
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return AccessDenied(told, hint=f"check the credentials of {connection}, and the source's authentication")
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return SourceItemMissing(told, hint="check 'path' of the source")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after_seconds(response.headers.get("Retry-After"), now=self._access.deadline.clock.now())
            return RateLimited(told, retry_after_seconds=wait, hint="connect less often")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return SourceUnavailable(told, hint="try later; ask the provider if it lasts")
        return PermanentError(told, hint="check url, path and query against the provider's documentation")


def _as_http(url: str) -> str:
    return f"http{url.removeprefix('ws')}"


def _answer(error: FinportError, *, seconds: float) -> Answer:
    if isinstance(error, RateLimited):
        return Answer(outcome="limited", seconds=seconds, retry_after_seconds=error.retry_after_seconds)
    return Answer(outcome="failed" if isinstance(error, SourceUnavailable) else "good", seconds=seconds)
