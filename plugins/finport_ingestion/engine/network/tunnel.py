"""A guarded way out for clients whose resolver cannot be replaced: an HTTP proxy of our own inside this process.

The client asks it for `host:port`, as it would any proxy. It resolves the name once, connects to that very address (or
has the source's own proxy connect to it), and refuses what the source may not reach. TLS stays between client and
server; what the server chooses is read on the way, so an older version than the source allows is refused too.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from finport_ingestion.engine.errors import ConfigError, FinportError, FormatError
from finport_ingestion.engine.network.http_proxy import basic, read_head
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.network.relay import join, shut
from finport_ingestion.engine.network.server_hello import TLS_1_2, TLS_1_3, chosen_version
from finport_ingestion.engine.network.sockets import connected

_LEAST = {"1.2": TLS_1_2, "1.3": TLS_1_3}
_HEAD_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_MOST_HELLO_BYTES = 1 << 15
_LOGIN = "tunnel"
_OF_PROXIES = ("proxy-", "connection:", "keep-alive:")


class Tunnel:
    """Open from the beginning; `close` ends it and every connection through it. Any number of threads may use it.

    It listens on 127.0.0.1 only, and only for who knows its password, which is new each time: no other process of this
    machine can go through it.
    """

    def __init__(self, protection: Protection, *, source: str, timeout_seconds: float) -> None:
        """Start to listen.

        Args:
            source: The document's name, for messages.
            timeout_seconds: To reach a server, and for its first answer.
        """
        self._protection = protection
        self._source = source
        self._timeout_seconds = timeout_seconds
        self._password = secrets.token_urlsafe(24)
        # Reentrant: whoever collects garbage closes the tunnel, in whatever thread and at whatever moment.
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._refusal: tuple[float, FinportError | None] = (0.0, None)
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="tunnel", daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """The proxy's address with its credentials: a secret of this process."""
        return f"http://{_LOGIN}:{self._password}@127.0.0.1:{self.port}"

    def refusal(self, *, since: float) -> FinportError | None:
        """Why it last refused or failed, if that was after `since` (time.monotonic): a client's own error says less."""
        with self._lock:
            at, refusal = self._refusal
        return refusal if at >= since else None

    def close(self) -> None:
        """End it; a second time is nothing, and so is it in a process that was forked meanwhile."""
        if os.getpid() != self._process:
            return
        shut(self._listener)
        self._listener.close()
        with self._lock:
            self._closed = True
            connections, threads = list(self._open), list(self._threads)
        for connection in connections:
            shut(connection)
        for thread in (self._accepting, *threads):
            if thread is not threading.current_thread():
                # One that waits for a name server cannot be woken; it ends by itself.
                thread.join(_CLOSE_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), name="tunnel-in", daemon=True)
            with self._lock:
                self._threads.add(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, self._listed(client), suppress(OSError, ValueError):
                client.settimeout(_HEAD_SECONDS)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._answer(client, read_head(client).decode("latin-1"))
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _answer(self, client: socket.socket, head: str) -> None:
        if not self._knows_password(head):
            client.sendall(_reply("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="tunnel"'))
            return
        method, target, _ = head.split(" ", 2)
        try:
            if method == "CONNECT":
                self._tunnel(client, target)
            else:
                self._forward(client, head, method, target)
        except FinportError as error:
            self._refused(error)
            client.sendall(_reply("502 Bad Gateway"))

    def _knows_password(self, head: str) -> bool:
        wanted = f"proxy-authorization: {basic(f'{_LOGIN}:{self._password}')}"
        lines = (line.partition(":") for line in head.split("\r\n")[1:])
        return any(hmac.compare_digest(f"{name.lower()}:{value}".encode(), wanted.encode()) for name, _, value in lines)

    def _tunnel(self, client: socket.socket, target: str) -> None:
        host, _, port = target.rpartition(":")
        with self._connected(host.strip("[]"), int(port)) as server, self._listed(server):
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            join(client, server, first=self._inspection(target))

    def _forward(self, client: socket.socket, head: str, method: str, target: str) -> None:
        """A request without TLS, as a proxy gets it; of each connection, one."""
        address = urlsplit(target)
        self._protection.demand_tls(
            what=f"{self._source}: {method} at {address.netloc.rpartition('@')[2]}", fix="state an https:// address"
        )
        path = f"{address.path or '/'}{'?' + address.query if address.query else ''}"
        kept = [line for line in head.split("\r\n")[1:] if line and not line.lower().startswith(_OF_PROXIES)]
        request = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
        with self._connected(address.hostname or "", address.port or 80) as server, self._listed(server):
            server.sendall(request.encode("latin-1"))
            join(client, server)

    @contextmanager
    def _listed(self, connection: socket.socket) -> Iterator[None]:
        """As long as the block, `close` shuts this socket."""
        with self._lock:
            if self._closed:
                raise ConnectionAbortedError
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def _connected(self, host: str, port: int) -> socket.socket:
        return connected(
            host,
            port,
            protection=self._protection,
            timeout_seconds=self._timeout_seconds,
            what=f"{self._source}: the way to {host}:{port}",
        )

    def _refused(self, error: FinportError) -> None:
        with self._lock:
            self._refusal = (time.monotonic(), error)

    def _inspection(self, target: str) -> Callable[[socket.socket], bytes]:
        def inspected(server: socket.socket) -> bytes:
            try:
                return self._inspected(server, target)
            except FinportError as error:
                self._refused(error)
                # The client has had its 200: all that can be done now is to end the connection.
                raise ConnectionAbortedError from None

        return inspected

    def _inspected(self, server: socket.socket, target: str) -> bytes:
        """The server's first bytes. Raises ConfigError where they are no TLS, or one that is too old."""
        received = bytearray()
        version: int | None = None
        while version is None:
            more = server.recv(_MOST_HELLO_BYTES)
            if not more:
                return bytes(received)
            received += more
            try:
                version = chosen_version(bytes(received))
            except FormatError:
                raise ConfigError(
                    f"{self._source}: {target} speaks no TLS on this port.", hint="check port and scheme"
                ) from None
        if 0 < version < _LEAST[self._protection.min_tls]:
            raise ConfigError(
                f"{self._source}: {target} chooses a TLS version older than {self._protection.min_tls}.",
                hint="ask for TLS 1.3, or state security.minTls 1.2 with a reason",
            )
        return bytes(received)


def _reply(status: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 0", "Connection: close", "", ""]).encode("ascii")
