"""A way through the source's HTTP proxy: one CONNECT, and then the bytes of whatever protocol comes."""

from __future__ import annotations

import base64
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from finport_ingestion.engine.errors import AccessDenied, ConfigError, FinportError, SourceUnavailable

_MOST_HEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProxy:
    """Where the proxy is, and what it wants to know who asks; `authorization` is a secret."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @staticmethod
    def of(address: str, *, what: str) -> HttpProxy:
        """The proxy of `http://[login:password@]host[:port]`.

        Raises:
            ConfigError: It is no such address; the message does not repeat it.
        """
        wrong = ConfigError(
            f"{what}: the proxy's address is not written like http://proxy.example.com:3128.",
            hint="correct 'proxy' in the connection's extra, or security.proxy",
        )
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise wrong from None
        if parts.scheme == "https":
            raise ConfigError(
                f"{what}: a proxy that is itself reached over TLS cannot be used here.",
                hint="state it with http://: what goes through it is encrypted from end to end",
            )
        if parts.scheme != "http" or not host:
            raise wrong
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
        return HttpProxy(host=host, port=port or 3128, authorization=basic(login) if login else None)

    def connect(self, target: str, *, timeout_seconds: float, what: str) -> socket.socket:
        """A socket that the proxy has joined to `target` (`host:port`); the caller closes it.

        Raises:
            AccessDenied: The proxy wants other credentials, or lets nobody through to there.
            SourceUnavailable: It does not answer, or cannot reach the target.
        """
        try:
            joined = socket.create_connection((self.host, self.port), timeout=timeout_seconds)
        except OSError as error:
            reason = error.strerror or "no answer in time"
            raise SourceUnavailable(
                f"{what}: the proxy {self.host}:{self.port} cannot be reached ({reason}).",
                hint="check 'proxy' in the connection's extra or security.proxy, and the proxy itself",
            ) from error
        try:
            self._ask(joined, target, what)
        except BaseException:
            joined.close()
            raise
        return joined

    def _ask(self, joined: socket.socket, target: str, what: str) -> None:
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        try:
            joined.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            status = _status(read_head(joined))
        except (OSError, ValueError):
            # The text of these errors may quote what was sent.
            raise SourceUnavailable(
                f"{what}: the proxy {self.host}:{self.port} gives no answer that can be understood.",
                hint="check that it is an HTTP proxy, and whether it is up",
            ) from None
        if status is not HTTPStatus.OK:
            raise self._refusal(status, what)

    def _refusal(self, status: HTTPStatus, what: str) -> FinportError:
        proxy = f"the proxy {self.host}:{self.port}"
        if status is HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return AccessDenied(
                f"{what}: {proxy} wants other credentials.",
                hint="put them into 'proxy' in the connection's extra, as http://login:password@host:port",
            )
        if status in (HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED):
            return AccessDenied(f"{what}: {proxy} does not let it through.", hint="ask who runs the proxy to allow it")
        return SourceUnavailable(
            f"{what}: {proxy} cannot reach the server (status {status.value}).", hint="try later; check host and port"
        )


def basic(credentials: str) -> str:
    """`login:password` as the value of an authorization header."""
    return f"Basic {base64.b64encode(credentials.encode()).decode('ascii')}"


def read_head(connection: socket.socket) -> bytes:
    """What comes before the first empty line, and that line, and not a byte more: the rest is for somebody else.

    Raises:
        ValueError: It ends before, or is too long.
        OSError: The connection fails, or is silent for longer than its timeout.
    """
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(head) >= _MOST_HEAD_BYTES:
            raise ValueError("no head of HTTP")
        head += byte
    return bytes(head)


def _status(head: bytes) -> HTTPStatus:
    version, code, *_ = head.split(None, 2)
    if not version.startswith(b"HTTP/1."):
        raise ValueError("no answer of HTTP")
    return HTTPStatus(int(code))
