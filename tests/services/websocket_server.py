"""A WebSocket server of our own, over TLS by default: what it sends is planned by the test."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.certificates import PrivateCa
from tests.services.service import Found, Install, Service, Workspace

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from tests.services.plugin import StartService

START_SECONDS = 10
# It tells every header; tests look for secrets in what is logged.
_SILENT = logging.getLogger("tests.websocket")
_SILENT.propagate = False
_SILENT.setLevel(logging.CRITICAL + 1)

Script = Callable[["ServerConnection"], Awaitable[None]]
"""What happens on a connection; when it returns, the server closes with code 1000."""


@dataclass(kw_only=True)
class WebsocketServer:
    """A running server. `authorization` is the header it wants, if any; paths without a script are answered 404."""

    scheme: str
    port: int
    ca_path: Path
    scripts: dict[str, Script] = field(default_factory=dict)
    statuses: dict[str, HTTPStatus] = field(default_factory=dict)  # instead of a script
    authorization: str | None = None
    accepts: Callable[[str], bool] | None = None  # says of an Authorization header whether it is good
    opened: list[str] = field(default_factory=list)  # paths with their query
    received: list[str | bytes] = field(default_factory=list)

    def url(self, path: str = "") -> str:
        """The absolute url of a path."""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def add(self, path: str, script: Script) -> None:
        """Run `script` on each connection to `path`."""
        self.scripts[path] = script

    async def subscription(self, connection: ServerConnection) -> str | bytes:
        """What the client sends first; it is remembered."""
        message: str | bytes = await connection.recv()
        self.received.append(message)
        return message

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse an opening request, or let it through."""
        path = request.path.partition("?")[0]
        if path in self.statuses:
            return connection.respond(self.statuses[path], "as planned\n")
        if not self._knows(request.headers.get("Authorization", "")):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")
        if path not in self.scripts:
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing here\n")
        self.opened.append(request.path)
        return None

    def _knows(self, header: str) -> bool:
        if self.accepts is not None:
            return self.accepts(header)
        return self.authorization in (None, header)

    async def handle(self, connection: ServerConnection) -> None:
        """One connection."""
        from websockets.exceptions import ConnectionClosed

        path = connection.request.path.partition("?")[0] if connection.request else ""
        with suppress(ConnectionClosed):  # the client had enough
            await self.scripts[path](connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsocketServers:
    """Makes servers with certificates of the private CA."""

    ca: PrivateCa

    @contextmanager
    def serve(
        self, *, tls: bool = True, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, context: Any = None
    ) -> Iterator[WebsocketServer]:
        """Run a server on a free port of 127.0.0.1 until the block ends; `context` is a TLS of the test's own."""
        made = WebsocketServer(scheme="wss" if tls else "ws", port=0, ca_path=self.ca.ca_path)
        chosen = context or (self.ca.server_context(minimum=minimum) if tls else None)
        started, done = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(_serve(made, chosen, started, done)), name="websocket server"
        )
        thread.start()
        assert started.wait(START_SECONDS)
        try:
            yield made
        finally:
            done.set()
            thread.join()


async def _serve(
    made: WebsocketServer, context: ssl.SSLContext | None, started: threading.Event, done: threading.Event
) -> None:
    # A loop, and no thread a connection: two threads must not read and write one TLS connection at a time.
    from websockets.asyncio.server import serve

    async with serve(
        made.handle, "127.0.0.1", 0, ssl=context, process_request=made.check, close_timeout=1, logger=_SILENT
    ) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        started.set()
        await asyncio.to_thread(done.wait)


def find() -> Found:
    """It is a library of ours."""
    return Found(version=version("websockets"), how="Python package websockets", path=Path(__file__))


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[WebsocketServers]:
    """Nothing runs before `serve`."""
    yield WebsocketServers(ca=workspace.ca)


SERVICE: Service[WebsocketServers] = Service(
    name="websocket",
    summary="WebSocket sources",
    fixture="websocket_servers",
    find=find,
    install=Install(lock=("websockets",)),
    start=start,
)


@pytest.fixture(scope="session")
def websocket_servers(start_service: StartService) -> WebsocketServers:
    """Makes servers."""
    return start_service(SERVICE)


@pytest.fixture
def websocket_server(websocket_servers: WebsocketServers) -> Iterator[WebsocketServer]:
    """A server over TLS that only this test uses."""
    with websocket_servers.serve() as server:
        yield server
