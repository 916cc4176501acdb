"""Bytes through the reader of a format, without a deployment: the tables, what was set aside, what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.limits import ReadLimits

URI = "landing/delivered"


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader gave."""

    batches: Sequence[Batch]

    def rows(self, table: str = "") -> list[dict[str, Any]]:
        """The rows of a table, as the texts (or values) of its columns."""
        return [row for batch in self.batches if batch.table == table for row in batch.columns.to_pylist()]

    def column(self, name: str, table: str = "") -> list[Any]:
        return [row[name] for row in self.rows(table)]

    def numbers(self, table: str = "") -> list[int]:
        return [number for batch in self.batches if batch.table == table for number in batch.rows.to_pylist()]

    @property
    def tables(self) -> set[str]:
        return {batch.table for batch in self.batches}

    @property
    def bad(self) -> list[BadRecord]:
        return [found for batch in self.batches for found in batch.bad]

    @property
    def warnings(self) -> str:
        """The sentences, one a line, each once."""
        return "\n".join(dict.fromkeys(said for batch in self.batches for said in batch.warnings))


def read_bytes(
    folder: Path,
    content: bytes,
    *,
    may_be_empty: bool = False,
    limits: ReadLimits | None = None,
    sample_bytes: int | None = None,
    **options: Any,
) -> Found:
    """What the format of `options` makes of `content`."""
    path = folder / "delivered"
    path.write_bytes(content)
    raw = RawFile(
        path=UPath(path),
        uri=URI,
        size_bytes=len(content),
        may_be_empty=may_be_empty,
        limits=limits or ReadLimits(),
    )
    plugin = FORMATS.get(options["format"])
    reader = plugin(plugin.Options.model_validate(options))
    return Found(list(reader.read(raw) if sample_bytes is None else reader.sample(raw, size_bytes=sample_bytes)))


def recognised(name: str, text: str) -> Likeness | None:
    """What the format `name` says of a file that begins with `text`."""
    content = text.encode()
    found: Likeness | None = FORMATS.get(name).recognises(Head(content=content, text=text, whole=True))
    return found
