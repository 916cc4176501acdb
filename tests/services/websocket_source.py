"""A WebSocket as a source sees it, and scripts for its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finport_ingestion.engine.sources.websocket import WebsocketSource
from tests.conformance.sources.access import access, connection
from tests.services.websocket_server import Script, WebsocketServer

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

LIMITS = ("auth", "seconds", "protection", "cursor", "request_timeout_seconds", "clock")
END = '{"type": "end"}'
STOP = "type == 'end'"


def source(server: WebsocketServer, **options: Any) -> WebsocketSource:
    limits = {name: options.pop(name) for name in LIMITS if name in options}
    spec = {"host": server.url(), "secret": None, **options.pop("spec", {})}
    extra = {"ca_file": str(server.ca_path), **spec.pop("extra", {})}
    stated = WebsocketSource.Options.model_validate({"protocol": "websocket", "path": "/ws", **options})
    return WebsocketSource(stated, access(connection("websocket", extra=extra, **spec), **limits))


def rows(read: WebsocketSource) -> list[dict[str, Any]]:
    return [row for item in read.discover(None) for batch in read.read(item) for row in batch.to_pylist()]


def values(read: WebsocketSource) -> list[str]:
    return [row["value"] for row in rows(read)]


def sending(*messages: str | bytes) -> Script:
    """Send these, and leave the connection open."""

    async def script(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.recv()

    return script
