"""What tests of file servers do: write into a folder, list it, read it, and change a file while it is read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, Delivery, Span
from tests.unit.collect.shelf import MB, some_bytes


def write(folder: Path, name: str, content: str | bytes = "a\n1\n", *, modified_at: datetime | None = None) -> Path:
    """A file of a folder, or of one below it that is made; its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if modified_at:
        os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))
    return path


def names(source: ByteSource) -> list[str]:
    """The ids of its items."""
    return [item.id for item in source.discover(None)]


def content(source: ByteSource, item: SourceItem, span: Span | None = None) -> bytes:
    """The bytes of an item."""
    return b"".join(delivery.stream.read() for delivery in source.open(item, span))


@dataclass(frozen=True)
class Meddled:
    """A source of which something is changed as soon as an item is open."""

    source: ByteSource
    meddle: Callable[[], object]

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        for delivery in self.source.open(item, span):
            self.meddle()
            yield delivery


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _replace(path: Path) -> None:
    write(path.parent, secrets.token_hex(4), some_bytes(path.stat().st_size, seed=2)).replace(path)


CHANGES: Mapping[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, 10 * MB),
    "grown": _grow,
    "replaced": _replace,
}
"""What happens to a file of more than 10 MB."""
