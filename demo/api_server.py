"""The API's process: an HTTPS server, TLS 1.3 only, that ends with the process that started it."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from demo.credentials import TLS_FOLDER, read_credentials
from demo.folder import DemoFolder
from finport_ingestion.engine.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

PARENT_POLL_SECONDS = 0.5
READY = b"ready"


def main() -> None:
    """Serve until a signal comes or the parent is gone."""
    parser = argparse.ArgumentParser(description="serve the demo's stock prices")
    parser.add_argument("--folder", type=Path, required=True)
    for number in ("--parent", "--listener", "--announce"):
        parser.add_argument(number, type=int, required=True)
    arguments = parser.parse_args()
    server = _server(DemoFolder(arguments.folder))
    with socket.socket(fileno=arguments.listener) as listener:
        asyncio.run(_serve(server, listener, parent=arguments.parent, announce=arguments.announce))


async def _serve(server: uvicorn.Server, listener: socket.socket, *, parent: int, announce: int) -> None:
    # All is loaded, and the listener takes connections: they wait in its queue until the server's loop begins.
    os.write(announce, READY)
    os.close(announce)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not serving.done():
        await asyncio.wait([serving], timeout=PARENT_POLL_SECONDS)
        server.should_exit = server.should_exit or os.getppid() != parent
    await serving


def _server(folder: DemoFolder) -> uvicorn.Server:
    # The parent imports this module for its constants only: it needs no web server.
    import uvicorn

    from demo.market import stock_prices
    from demo.oauth import AuthorizationServer
    from demo.planted import STOCKS
    from demo.stock_api import application

    credentials = read_credentials(folder)
    if credentials is None:
        raise ConfigError(f"{folder.path} holds no credentials.", hint="start the demo's sources, not the API alone")
    authorization = AuthorizationServer(client_id=credentials.client_id, client_secret=credentials.client_secret)
    prices = [*stock_prices(), *(planted.row for planted in STOCKS)]
    config = uvicorn.Config(
        application(prices, authorization=authorization),
        ssl_context_factory=lambda *_: _tls_context(folder.path / TLS_FOLDER),
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    config.load()
    return uvicorn.Server(config)


def _tls_context(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


if __name__ == "__main__":
    main()
