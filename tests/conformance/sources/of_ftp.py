"""Three files on pyftpdlib over TLS 1.3; the password is the planted secret."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.ftp import FtpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.ftp_server import FtpServer
from tests.services.process import free_port


class Drop:
    """See the module."""

    def __init__(self, server: FtpServer) -> None:
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
        yield self._with(secret=f"{PLANTED_SECRET}, mistyped")

    def close(self) -> None:
        shutil.rmtree(self._folder)

    def _with(self, **fields: Any) -> AnySource:
        stated = {"host": "localhost", "port": self._server.port, "login": self._server.user}
        options = {"protocol": "ftp", "path": self._server.path(self._folder), "pattern": "*.csv"}
        extra = {"ca_file": str(self._server.ca_path)}
        spec = connection("ftp", extra=extra, **{**stated, **fields})
        return FtpSource(FtpSource.Options.model_validate(options), access(spec))


def system(request: pytest.FixtureRequest) -> Drop:
    """A folder of its own."""
    drop = Drop(request.getfixturevalue("ftp_server"))
    request.addfinalizer(drop.close)
    return drop
