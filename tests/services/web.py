"""Our own web server, HTTPS by default: routes and faults are planned by the test, every request is kept to look at."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.services.certificates import PrivateCa
from tests.services.service import Found, Install, Service, Workspace
from tests.services.web_replies import Request, Route, error_reply, reply_of

if TYPE_CHECKING:
    from tests.services.plugin import StartService

HANDSHAKE_SECONDS = 10
BODYLESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class WebServer:
    """A running server; made by `WebServers.serve`.

    `requests` holds every request in the order of arrival, also those to paths without a route (404).
    """

    def __init__(self, server: _Server, *, scheme: str, ca_path: Path) -> None:
        self._server = server
        self.scheme = scheme
        self.ca_path = ca_path
        self.port: int = server.server_address[1]

    def url(self, path: str = "") -> str:
        """The absolute url of a path."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def add(self, path: str, route: Route) -> None:
        """Answer `path` (exact, or everything below it with `/*` at the end) with `route`, for every method."""
        self._server.routes[path] = route

    @property
    def requests(self) -> list[Request]:
        """What came in so far."""
        return list(self._server.requests)

    def requests_to(self, path: str) -> list[Request]:
        """What came in so far for one path."""
        return [request for request in self.requests if request.path == path]

    @property
    def connection_count(self) -> int:
        """How many connections were opened: a client that keeps them alive opens few."""
        return self._server.connection_count


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServers:
    """Makes web servers with certificates of the private CA."""

    ca: PrivateCa

    @contextmanager
    def serve(self, *, tls: bool = True, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[WebServer]:
        """Run a server on a free port of 127.0.0.1 until the block ends.

        Raises:
            ExceptionGroup: Afterwards, if a route of the test raised (the client saw a cut connection).
        """
        context = self.ca.server_context(minimum=minimum) if tls else None
        server = _Server(context)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="web server")
        thread.start()
        try:
            yield WebServer(server, scheme="https" if tls else "http", ca_path=self.ca.ca_path)
        finally:
            server.shutdown()
            thread.join()
            server.close_connections()
            server.server_close()
        if server.route_errors:
            raise ExceptionGroup("routes of the web server raised", server.route_errors)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.context = context
        self.routes: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.route_errors: list[Exception] = []
        self.connection_count = 0
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, to end it when the server closes while its client keeps it alive."""
        with self._lock:
            self._open.add(connection)
            self.connection_count += 1
            if self.closing.is_set():
                _shut(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def close_connections(self) -> None:
        self.closing.set()
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def route(self, path: str) -> Route:
        """The route of a path: the exact one, else the longest `/*` that covers it, else 404."""
        if path in self.routes:
            return self.routes[path]
        covering = [prefix for prefix in self.routes if prefix.endswith("/*") and path.startswith(prefix[:-1])]
        return self.routes[max(covering, key=len)] if covering else error_reply(HTTPStatus.NOT_FOUND)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what a route raised; a client that hangs up or distrusts the CA is part of the tests."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.route_errors.append(error)


class _Connection(BaseHTTPRequestHandler):
    """One connection with all of its requests, in a thread of its own; also the `Exchange` of its replies."""

    protocol_version = "HTTP/1.1"
    # A small head and a small body are one packet each: without this, the second waits for the first one's ACK.
    disable_nagle_algorithm = True
    server: _Server
    connection: socket.socket
    _bodyless: bool

    def setup(self) -> None:
        """Shake hands here, not where connections are accepted: a silent client must not stop the others."""
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            )
        self.server.opened(self.request)
        try:
            self._shake_hands()
            super().setup()
        except BaseException:
            # `finish` runs only after a `setup` that returned.
            self.server.closed(self.request)
            self.request.close()
            raise

    def _shake_hands(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(HANDSHAKE_SECONDS)
            self.request.do_handshake()
            self.request.settimeout(None)

    def finish(self) -> None:
        """Close; the socket that the server knows was given up when TLS took it over."""
        self.server.closed(self.connection)
        with suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=address.path,
            query=parse_qs(address.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            target=self.path,
        )
        self.server.requests.append(request)
        reply_of(self.server.route(request.path), request).send(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815  (http.server's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name in http.server)
        """Nothing on standard error: `WebServer.requests` is the log."""

    def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the status line and the headers."""
        self._bodyless = self.command == "HEAD" or status in BODYLESS
        self.send_response(status)
        for name, value in headers.items():
            if not (status in BODYLESS and name == "Content-Length"):
                self.send_header(name, value)
        self.end_headers()

    def send_body(self, content: bytes) -> None:
        """Write a piece of the body."""
        if not self._bodyless:
            self.wfile.write(content)

    def wait(self, seconds: float | None) -> None:
        """Wait, but no longer than the server lives."""
        self.server.closing.wait(seconds)

    def cut(self) -> None:
        """End the connection without a goodbye of TLS or HTTP; what was written still arrives."""
        self.close_connection = True
        _shut(self.connection)

    def reset(self) -> None:
        """Reset the connection, as a dying server or a firewall does; what was written may be lost."""
        self.close_connection = True
        linger_not = struct.pack("ii", 1, 0)
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not that of TLS, which takes the connection from the thread that shakes hands on it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def find() -> Found:
    """Always there: it is part of these tests."""
    return Found(version=ssl.OPENSSL_VERSION.split(" ", 2)[1], how="tests/services/web.py", path=Path(__file__))


@contextmanager
def start(workspace: Workspace, _found: Found) -> Iterator[WebServers]:
    """Nothing runs yet; each test serves its own."""
    yield WebServers(ca=workspace.ca)


SERVICE: Service[WebServers] = Service(
    name="web",
    summary="REST sources over HTTPS with planned faults, OAuth2 tokens",
    fixture="web_servers",
    find=find,
    install=Install(),
    start=start,
)


@pytest.fixture(scope="session")
def web_servers(start_service: StartService) -> WebServers:
    """Makes web servers, for tests that need several, or an old TLS."""
    return start_service(SERVICE)


@pytest.fixture
def web_server(web_servers: WebServers) -> Iterator[WebServer]:
    """An HTTPS server (TLS 1.3) of this test alone, without routes."""
    with web_servers.serve() as server:
        yield server


@pytest.fixture
def plain_web_server(web_servers: WebServers) -> Iterator[WebServer]:
    """An HTTP server without TLS of this test alone, without routes."""
    with web_servers.serve(tls=False) as server:
        yield server
