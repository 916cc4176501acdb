"""A WebSocket behind HTTP Basic that sends what is subscribed to, over TLS."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from finport_ingestion.engine.auth.basic import Basic
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.websocket import WebsocketSource
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port
from tests.services.websocket_server import WebsocketServer

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

PATH = "/v1/trades"


class Trades:
    """See the module. Time stands still, so that a window is the same each time."""

    def __init__(self, server: WebsocketServer) -> None:
        self._server = server
        self._clock = ManualClock()
        login = base64.b64encode(f"finport:{PLANTED_SECRET}".encode()).decode()
        server.authorization = f"Basic {login}"
        server.add(PATH, self._send)

    async def _send(self, connection: ServerConnection) -> None:
        await self._server.subscription(connection)
        for number in range(250):
            await connection.send(f'{{"price": {number}.10}}')
        await connection.send(b"\xff\x00")
        await connection.send('{"type": "end"}')
        await connection.recv()

    def source(self) -> AnySource:
        return self._at(self._server.url())

    def change(self, item: SourceItem) -> None:
        pytest.skip("what a live stream will send is not known when it is listed: nothing can differ from that")

    def remove(self, item: SourceItem) -> None:
        del self._server.scripts[PATH]

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(f"wss://127.0.0.1:{free_port()}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._at(self._server.url(), secret=f"{PLANTED_SECRET}, mistyped")

    def _at(self, url: str, *, secret: str = PLANTED_SECRET) -> AnySource:
        extra = {"ca_file": str(self._server.ca_path)}
        spec = connection("websocket", host=url, login="finport", secret=secret, extra=extra)
        options = {
            "protocol": "websocket",
            "path": PATH,
            "query": {"key": PLANTED_SECRET},
            "subscribe": [{"op": "subscribe"}],
            "stop": "type == 'end'",
            "fetchRows": 100,
            "fields": {"price": "decimal(18,2)"},
        }
        return WebsocketSource(
            WebsocketSource.Options.model_validate(options),
            access(spec, auth=Basic.Options.model_validate({"method": "basic"}), clock=self._clock),
        )


def system(request: pytest.FixtureRequest) -> Trades:
    """A server of its own."""
    return Trades(request.getfixturevalue("websocket_server"))
