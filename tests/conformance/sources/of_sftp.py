"""A chroot of OpenSSH with three files, entered with a key whose passphrase is the planted secret."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.sftp import SftpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port
from tests.services.sshd_server import SshServer


class Drop:
    """See the module."""

    def __init__(self, server: SshServer) -> None:
        self._server = server
        self._folder = server.folder()
        for name in ("b.csv", "a.csv", "c.csv"):
            (self._folder / name).write_text(f"name\n{name}\n" * 1000)

    def source(self) -> AnySource:
        return self._with()

    def change(self, item: SourceItem) -> None:
        with (self._folder / item.id).open("a") as file:
            file.write("late\n")

    def remove(self, item: SourceItem) -> None:
        (self._folder / item.id).unlink()

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._with(port=free_port())

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._with(key_path=self._server.stranger_key_path)

    def close(self) -> None:
        shutil.rmtree(self._folder)

    def _with(self, *, key_path: Path | None = None, port: int | None = None) -> AnySource:
        extra: dict[str, Any] = {
            "host_key": self._server.host_key,
            "private_key": _encrypted(key_path or self._server.key_path),
            "private_key_passphrase": PLANTED_SECRET,
        }
        stated = {"host": "127.0.0.1", "port": port or self._server.port, "login": self._server.user}
        options = {"protocol": "sftp", "path": self._server.path(self._folder), "pattern": "*.csv"}
        spec = connection("sftp", extra=extra, **stated)
        return SftpSource(SftpSource.Options.model_validate(options), access(spec))


def _encrypted(path: Path) -> str:
    key = asyncssh.read_private_key(path)
    return key.export_private_key("pkcs8-pem", passphrase=PLANTED_SECRET).decode()


def system(request: pytest.FixtureRequest) -> Drop:
    """A folder of its own."""
    drop = Drop(request.getfixturevalue("ssh_server"))
    request.addfinalizer(drop.close)
    return drop
