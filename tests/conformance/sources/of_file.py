"""A folder with three files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.folder import FolderSource
from tests.conformance.sources.access import access, connection
from tests.conformance.sources.system import AnySource

NOBODY = 65534


class Folder:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("b.csv", "a.csv", "c.csv"):
            (folder / name).write_text(f"name\n{name}\n" * 1000)

    def source(self) -> AnySource:
        return _source(self._folder)

    def change(self, item: SourceItem) -> None:
        with (self._folder / item.id).open("a") as file:
            file.write("late\n")

    def remove(self, item: SourceItem) -> None:
        (self._folder / item.id).unlink()

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield _source(self._folder / "not mounted")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        self._folder.chmod(0)
        root = os.geteuid() == 0
        if root:
            # Nothing is forbidden to root: be somebody else for a while.
            os.seteuid(NOBODY)
        try:
            yield _source(self._folder)
        finally:
            if root:
                os.seteuid(0)
            self._folder.chmod(0o700)


def _source(folder: Path) -> AnySource:
    options = FolderSource.Options.model_validate({"protocol": "file", "pattern": "*.csv"})
    return FolderSource(options, access(connection("finport_file", extra={"path": str(folder)})))


def system(request: pytest.FixtureRequest) -> Folder:
    """A folder of its own."""
    return Folder(request.getfixturevalue("tmp_path"))
