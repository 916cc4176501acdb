"""What is known of a file that is being landed: lines beside it, written as it grows, that survive the process."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.digest import row_digest
from finport_ingestion.engine.records import SourceItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the source said with the first bytes."""

    suffix: str = ""
    media_type: str | None = None
    size_bytes: int | None = None  # of the whole
    checksum: str | None = None  # of the whole


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes that are in the file: from `start` up to but without `stop`, and their CRC-32."""

    start: int
    stop: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The finished file."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(kw_only=True)
class Journal:
    """All that the lines say."""

    version: str | None = None
    told: Told | None = None
    extents: list[Extent] = field(default_factory=list)
    landed: Landed | None = None

    @staticmethod
    def read(content: bytes) -> Journal:
        """What a journal holds, up to the first line that is not whole: the process may have been killed in it."""
        found = Journal()
        for written in content.split(b"\n")[:-1]:
            try:
                found._take(*json.loads(written))
            except (ValueError, TypeError):
                break
        return found

    def _take(self, kind: str, value: Any) -> None:
        if kind == "version":
            self.version = value
        elif kind == "told":
            self.told = Told(**value)
        elif kind == "extent":
            self.extents.append(Extent(*map(int, value)))
        elif kind == "landed":
            self.landed = Landed(**value)


def line(kind: str, value: object) -> bytes:
    """One line of a journal."""
    return json.dumps([kind, value], separators=(",", ":")).encode() + b"\n"


def version_of(item: SourceItem) -> str | None:
    """Which version of which item the bytes belong to; None where the source states nothing that tells versions apart.

    A size alone proves nothing.
    """
    if not (item.etag or item.modified_at or item.checksum):
        return None
    names = ("id", "size_bytes", "modified_at", "etag", "checksum", "slice")
    return row_digest({name: getattr(item, name) for name in names})
