"""One SFTP session: a checked address, a pinned host key, a login, and only strong algorithms."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncssh
from asyncssh.kex import get_kex_algs

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.network.runner import run
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.sources.files.admission import admitted
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.ssh.errors import told_in_our_errors
from finport_ingestion.engine.sources.ssh.host_keys import (
    Pins,
    another_key,
    not_pinned,
    pins_of,
    signatures,
)
from finport_ingestion.engine.sources.ssh.login import Login, login_of

T = TypeVar("T")

_KEY_EXCHANGES = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)
# AES-128-GCM first: the fastest by far where processors know AES.
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr")
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")
_WINDOW_BYTES = 16 << 20  # 100 ms away, this is 160 MB/s
_PACKET_BYTES = 128 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpSession:
    """Begun by `begun`; used by one item at a time."""

    connection: asyncssh.SSHClientConnection
    client: asyncssh.SFTPClient
    loop: asyncio.AbstractEventLoop

    def is_usable(self) -> bool:
        """Whether the server has not closed it yet."""
        return not self.connection.is_closed()

    def close(self) -> None:
        """End it, from any thread, the loop's own included."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.connection.close)


def begun(access: Access, connection: ConnectionSpec, *, host: str, port: int) -> SftpSession:
    """A new session. The server's key is compared before anything of the login is sent.

    Raises:
        ConfigError: No key is pinned, or the login is not complete.
        PermanentError: The server has another key than the pinned one.
        AccessDenied: The login is refused.
        SourceUnavailable: It does not answer.
    """
    what = f"{access.source}: SFTP at {host}:{port}"
    login = login_of(connection, source=access.source)
    with admitted(access):
        return _begun(access, connection, login, where=(host, port), what=what)


def _begun(
    access: Access, connection: ConnectionSpec, login: Login, *, where: tuple[str, int], what: str
) -> SftpSession:
    host, port = where
    joined = _joined(access, host, port, what)
    try:
        address = str(joined.getpeername()[0])
        pins = pins_of(connection, host=host, address=address, port=port, source=access.source)
        timeout = access.deadline.bound(access.request_timeout_seconds)
        with told_in_our_errors(what):
            if not pins:
                raise not_pinned(connection, run(_within(timeout, _presented(joined, host))), what=what)
            options = _options(login, pins, what=what)
            return run(_within(timeout, _logged_in(joined, host, options, pins, what=what)))
    except BaseException:
        joined.close()
        raise


def _joined(access: Access, host: str, port: int, what: str) -> socket.socket:
    timeout = access.deadline.bound(access.request_timeout_seconds)
    joined = connected(host, port, protection=access.protection, timeout_seconds=timeout, what=what)
    joined.setblocking(False)
    return joined


async def _within(seconds: float, request: Coroutine[Any, Any, T]) -> T:
    async with asyncio.timeout(seconds):
        return await request


async def _logged_in(
    joined: socket.socket, host: str, options: asyncssh.SSHClientConnectionOptions, pins: Pins, *, what: str
) -> SftpSession:
    seen = _Seen()
    try:
        connection = await asyncssh.connect(sock=joined, host=host, client_factory=lambda: seen, options=options)
    except asyncssh.HostKeyNotVerifiable as error:
        raise another_key(pins, seen.host_key, what=what) from error
    try:
        # Names that are no UTF-8 come as surrogates, and are left out by name.
        client = await connection.start_sftp_client(path_errors="surrogateescape")
    except BaseException:
        connection.abort()
        raise
    return SftpSession(connection=connection, client=client, loop=asyncio.get_running_loop())


class _Seen(asyncssh.SSHClient):
    """Keeps the key that a server presents and nobody pinned."""

    def __init__(self) -> None:
        self.host_key: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.host_key = key
        return False


async def _presented(joined: socket.socket, host: str) -> asyncssh.SSHKey | None:
    """The host's key, without a login."""
    return await asyncssh.get_server_host_key(
        sock=joined, host=host, config=None, kex_algs=_key_exchanges(), server_host_key_algs=signatures()
    )


def _options(login: Login, pins: Pins, *, what: str) -> asyncssh.SSHClientConnectionOptions:
    """Nothing of this machine's or user's own SSH configuration, keys or agent."""
    try:
        return asyncssh.SSHClientConnectionOptions(
            config=None,
            agent_path=None,
            gss_host=None,
            x509_trusted_certs=None,
            username=login.user,
            password=login.password,
            client_keys=list(login.keys) or None,
            known_hosts=pins.known_hosts,
            server_host_key_algs=pins.algorithms,
            kex_algs=_key_exchanges(),
            encryption_algs=list(_CIPHERS),
            mac_algs=list(_MACS),
            signature_algs=signatures(),
            compression_algs=["none"],
            window=_WINDOW_BYTES,
            max_pktsize=_PACKET_BYTES,
        )
    except ValueError:
        raise ConfigError(
            f"{what}: SSH cannot be set up for this login.",
            hint="check its letters; where the worker's user has no name, set USER in its environment",
        ) from None


def _key_exchanges() -> list[str]:
    """Those that this installation has; the first need libraries that not every machine has."""
    known = {name.decode() for name in get_kex_algs()}
    return [name for name in _KEY_EXCHANGES if name in known]
