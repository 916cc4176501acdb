"""Redis: streams, locks and caches; one server a session, emptied for each test that asks for `redis_url`."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running server; `url` holds its password. On `tls_port` it speaks TLS, with a certificate of `ca_path`."""

    url: str
    port: int
    tls_port: int
    ca_path: Path
    password: str
    version: str
    process: ServerProcess

    def empty(self) -> None:
        """Delete every key of every database."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()


def find() -> Found | Missing:
    """`redis-server` on PATH."""
    program = shutil.which("redis-server")
    if program is None:
        return Missing(reason="redis-server is not on PATH")
    # "Redis server v=7.0.15 sha=00000000:0 malloc=... bits=64 build=..."
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = next((word.removeprefix("v=") for word in shown.split() if word.startswith("v=")), "unknown")
    return Found(version=version, how=program, path=Path(program))


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[RedisServer]:
    """Run it on a free port, in memory only, with a password."""
    import redis

    port, tls_port, password = free_port(), free_port(), secrets.token_urlsafe(12)
    certificate = workspace.ca.issue(f"redis-{tls_port}")
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    # The password stands in a file: arguments are seen by everybody on the machine.
    configuration = workspace.folder / "redis.conf"
    lines = (
        "bind 127.0.0.1",
        f"port {port}",
        f"tls-port {tls_port}",
        f'tls-cert-file "{certificate.certificate_path}"',
        f'tls-key-file "{certificate.key_path}"',
        f'tls-ca-cert-file "{workspace.ca.ca_path}"',
        "tls-auth-clients optional",
        f"requirepass {password}",
        f'dir "{workspace.folder}"',
        'save ""',
        "appendonly no",
        "daemonize no",
    )
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n")

    def answers() -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    command = ServerCommand(arguments=[str(found.path), str(configuration)], folder=workspace.folder)
    with workspace.serve("redis", command=command, probe=answers) as process:
        yield RedisServer(
            url=url,
            port=port,
            tls_port=tls_port,
            ca_path=workspace.ca.ca_path,
            password=password,
            version=found.version,
            process=process,
        )


SERVICE: Service[RedisServer] = Service(
    name="redis",
    summary="Redis Streams of the outbox, Redis sources",
    fixture="redis_server",
    find=find,
    install=Install(apt=("redis-server",)),
    start=start,
)


@pytest.fixture(scope="session")
def redis_server(start_service: StartService) -> RedisServer:
    """One Redis for the session; its `url` is what clients take."""
    return start_service(SERVICE)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The url of the session's Redis, emptied for this test."""
    redis_server.empty()
    return redis_server.url
