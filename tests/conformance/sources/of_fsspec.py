"""A folder of HDFS, by its web service: three files in it, and one beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.fsspec_files import FsspecSource
from tests.conformance.sources.access import access, connection
from tests.conformance.sources.system import AnySource
from tests.services.hdfs_server import USER, Hdfs
from tests.services.process import free_port


class Folder:
    """See the module."""

    def __init__(self, server: Hdfs, folder: str) -> None:
        self._server = server
        self._folder = folder
        for name in ("b.csv", "a.csv", "deep/c.csv"):
            self._put(f"daily/{name}", f"name\n{name}\n" * 1000)
        self._put("dailies/d.csv", "not in the folder\n")

    def source(self) -> AnySource:
        return self._at(self._server.port, USER)

    def change(self, item: SourceItem) -> None:
        self._put(f"daily/{item.id}", f"name\n{item.id}\nlate\n")

    def remove(self, item: SourceItem) -> None:
        self._server.client().rm(f"{self._folder}/daily/{item.id}")

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(free_port(), USER)

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._at(self._server.port, "somebody")

    def _put(self, path: str, content: str) -> None:
        self._server.client().pipe_file(f"{self._folder}/{path}", content.encode())

    def _at(self, port: int, login: str) -> AnySource:
        options = {
            "protocol": "fsspec",
            "url": f"webhdfs://127.0.0.1:{port}{self._folder}",
            "loginAs": "user",
            "path": "daily",
            "pattern": "**/*.csv",
        }
        spec = connection("webhdfs", login=login, secret=None)
        return FsspecSource(
            FsspecSource.Options.model_validate(options), access(spec, protection={"allow_plaintext": True})
        )


def system(request: pytest.FixtureRequest) -> Folder:
    """A folder of its own."""
    return Folder(request.getfixturevalue("hdfs"), request.getfixturevalue("hdfs_folder"))
