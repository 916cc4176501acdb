"""An SSH server in this process that does what a test says with each read: what sshd cannot be made to do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import asyncssh

from tests.conformance.sources.access import PLANTED_SECRET

USER = "finport"
Fault = Literal["die", "stall", "deny"]


@dataclass(kw_only=True)
class FaultyServer:
    """A running server for `USER` with the planted secret as its password.

    `fault` is asked before each read, with its offset. `reads` are those that were answered, as offset and size;
    `logins` counts the sessions, and `tries` what came as far as a login.
    """

    root: Path
    port: int = 0
    host_key: str = ""
    other_host_key: str = ""  # of another sort
    fault: Callable[[int], Fault | None] = lambda offset: None
    most_bytes: int = 1 << 22
    reads: list[tuple[int, int]] = field(default_factory=list)
    logins: int = 0
    tries: int = 0

    @property
    def read_bytes(self) -> int:
        return sum(size for _, size in self.reads)


@contextmanager
def faulty_server(
    root: Path, *, ciphers: Sequence[str] = (), signed_by: asyncssh.SSHKey | None = None
) -> Iterator[FaultyServer]:
    """Serve `root` until the block ends.

    Args:
        signed_by: An authority that certifies the host's key for 127.0.0.1.
    """
    server = FaultyServer(root=root)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty-sftp", daemon=True)
    thread.start()
    listener = asyncio.run_coroutine_threadsafe(_serve(server, ciphers, signed_by), loop).result(10)
    server.port = listener.get_port()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_stop(listener), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(
    server: FaultyServer, ciphers: Sequence[str], signed_by: asyncssh.SSHKey | None
) -> asyncssh.SSHAcceptor:
    key = asyncssh.generate_private_key("ssh-ed25519")
    proof: Any = key
    if signed_by:
        certificate = signed_by.generate_host_certificate(key, "tests", principals=["127.0.0.1"])
        proof = (key, certificate)
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    server.host_key, server.other_host_key = (each.export_public_key().decode().strip() for each in (key, other))

    def files(channel: Any) -> asyncssh.SFTPServer:
        return _files(server)(channel, chroot=str(server.root).encode())

    return await asyncssh.create_server(
        lambda: _Login(server),
        "127.0.0.1",
        0,
        server_host_keys=[proof, other],
        sftp_factory=files,
        encryption_algs=list(ciphers) or (),
    )


async def _stop(listener: asyncssh.SSHAcceptor) -> None:
    listener.close()
    await asyncio.sleep(0)
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    await listener.wait_closed()


class _Login(asyncssh.SSHServer):
    def __init__(self, server: FaultyServer) -> None:
        self._server = server

    def begin_auth(self, username: str) -> bool:
        self._server.tries += 1
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PLANTED_SECRET)

    def auth_completed(self) -> None:
        self._server.logins += 1


def _files(server: FaultyServer) -> type[asyncssh.SFTPServer]:
    class Files(asyncssh.SFTPServer):
        async def read(self, file_obj: object, offset: int, size: int) -> bytes:
            fault = server.fault(offset)
            if fault == "die":
                self.connection.abort()
                raise asyncssh.SFTPConnectionLost("died")
            if fault == "stall":
                await asyncio.sleep(3600)
            if fault == "deny":
                raise asyncssh.SFTPPermissionDenied("not this part")
            content = super().read(file_obj, offset, min(size, server.most_bytes))
            assert isinstance(content, bytes)
            server.reads.append((offset, len(content)))
            return content

    return Files
