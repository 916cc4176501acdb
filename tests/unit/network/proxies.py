"""An HTTP proxy for tests: remembers what it was asked, and answers as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from finport_ingestion.engine.network.http_proxy import read_head
from finport_ingestion.engine.network.relay import join, shut

DEADLINE_SECONDS = 10


@dataclass(kw_only=True)
class RecordingProxy:
    """Made by `recording_proxy`."""

    port: int
    asked: list[str] = field(default_factory=list)  # the heads


@contextmanager
def recording_proxy(*, answer: str = "200 OK", towards: tuple[str, int] | None = None) -> Iterator[RecordingProxy]:
    """A proxy on 127.0.0.1 that joins whoever asks to `towards`, whatever was asked for."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = RecordingProxy(port=listener.getsockname()[1])
    sockets = [listener]

    def serve(client: socket.socket) -> None:
        with suppress(OSError, ValueError), client:
            client.settimeout(DEADLINE_SECONDS)
            proxy.asked.append(read_head(client).decode())
            client.sendall(f"HTTP/1.1 {answer}\r\n\r\n".encode())
            if towards:
                with socket.create_connection(towards, timeout=DEADLINE_SECONDS) as server:
                    sockets.append(server)
                    join(client, server)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                sockets.append(client)
                threads.append(threading.Thread(target=serve, args=(client,), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield proxy
    finally:
        for each in sockets:
            shut(each)
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
        listener.close()
