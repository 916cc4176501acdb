"""Folders of sshd and of a server that misbehaves, and sources of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from finport_ingestion.engine.sources.interface import Span
from finport_ingestion.engine.sources.sftp import SftpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.sftp_faults import USER, FaultyServer
from tests.services.sshd_server import SshServer


class Drop:
    """A folder of sshd, and sources of it."""

    def __init__(self, server: SshServer) -> None:
        self.server = server
        self.folder = server.folder()

    def write(self, name: str, content: str | bytes = "a\n1\n", *, modified_at: datetime | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if modified_at:
            os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))
        return path

    def source(self, *, extra: dict[str, Any] | None = None, limits: Any = None, **options: Any) -> SftpSource:
        stated = {"host_key": self.server.host_key, "key_file": str(self.server.key_path), **(extra or {})}
        spec = connection(
            "sftp", host="127.0.0.1", port=self.server.port, login=self.server.user, secret=None, extra=stated
        )
        wanted = {"protocol": "sftp", "path": self.server.path(self.folder), **options}
        return SftpSource(SftpSource.Options.model_validate(wanted), access(spec, **(limits or {})))


@contextmanager
def dropped(server: SshServer) -> Iterator[Drop]:
    """A folder of its own, until the block ends."""
    drop = Drop(server)
    try:
        yield drop
    finally:
        shutil.rmtree(drop.folder)


def names(source: SftpSource) -> list[str]:
    """The ids of its items."""
    return [item.id for item in source.discover(None)]


def content(source: SftpSource, item: Any, span: Span | None = None) -> bytes:
    """The bytes of an item."""
    return b"".join(delivery.stream.read() for delivery in source.open(item, span))


def source_of(server: FaultyServer, *, secret: Any = PLANTED_SECRET, limits: Any = None, **extra: Any) -> SftpSource:
    """A source of the whole of a server that misbehaves."""
    stated = {"host_key": server.host_key, **extra}
    spec = connection("sftp", host="127.0.0.1", port=server.port, login=USER, secret=secret, extra=stated)
    return SftpSource(SftpSource.Options.model_validate({"protocol": "sftp"}), access(spec, **(limits or {})))
