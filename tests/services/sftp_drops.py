"""Folders of sshd and of a server that misbehaves, and sources of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from finport_ingestion.engine.sources.sftp import SftpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.services.file_drops import write
from tests.services.sftp_faults import USER, FaultyServer
from tests.services.sshd_server import SshServer


class Drop:
    """A folder of sshd, and sources of it."""

    def __init__(self, server: SshServer) -> None:
        self.server = server
        self.folder = server.folder()
        self.write = partial(write, self.folder)

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


def source_of(server: FaultyServer, *, secret: Any = PLANTED_SECRET, limits: Any = None, **extra: Any) -> SftpSource:
    """A source of the whole of a server that misbehaves."""
    stated = {"host_key": server.host_key, **extra}
    spec = connection("sftp", host="127.0.0.1", port=server.port, login=USER, secret=secret, extra=stated)
    return SftpSource(SftpSource.Options.model_validate({"protocol": "sftp"}), access(spec, **(limits or {})))
