"""A server of files with the file that contestants fetch, and a small one to warm up."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from benchmarks.collect.downloads import FILE_BYTES, QUICK_FILE_BYTES, WARM_UP_BYTES, Contestant, noise, ours
from benchmarks.registry import Effort
from tests.services.certificates import PrivateCa
from tests.services.ftp_server import FtpServer
from tests.services.service import Found, Service, open_workspace
from tests.services.sshd_server import SshServer

MEASURED = "measured.bin"
_WARM_UP = "warm-up.bin"


S = TypeVar("S", FtpServer, SshServer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Generic[S]):
    """Where the files are."""

    server: S
    version: str
    path: str  # of their folder, as clients name it
    file_bytes: int
    sha256: str  # of the file to be fetched
    folder: Path  # of this machine, for what contestants need

    def ours(self, protocol: str, *, host: str, **extra: str) -> Contestant:
        """Our source and landing; `extra` of the connection."""
        options = {"protocol": protocol, "path": self.path}
        stated = {"host": host, "port": self.server.port, "login": self.server.user}
        way = {"options": options, "stated": stated, "extra": extra, "protection": {}}
        return ours({**way, "warm_up": _WARM_UP, "measured": MEASURED})


@contextmanager
def dropped(service: Service[S], effort: Effort) -> Iterator[Dropped[S]]:
    """A fresh server with both files, until the block ends.

    Raises:
        AssertionError: It is not to be had here.
    """
    found = service.find()
    assert isinstance(found, Found), found
    size = QUICK_FILE_BYTES if effort.quick else FILE_BYTES
    with (
        tempfile.TemporaryDirectory() as folder,
        open_workspace(service.name, ca=PrivateCa(Path(folder))) as workspace,
        service.start(workspace, found) as server,
    ):
        drop = server.folder()
        drop.chmod(0o755)
        noise(drop / _WARM_UP, WARM_UP_BYTES)
        yield Dropped(
            server=server,
            version=found.version,
            path=server.path(drop),
            file_bytes=size,
            sha256=noise(drop / MEASURED, size),
            folder=workspace.folder,
        )
