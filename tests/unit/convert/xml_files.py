"""Files of the XML family for tests, and what a reader makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from upath import UPath

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.recognise import head_of
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.limits import ReadLimits


def raw_of(folder: Path, content: str | bytes, **more: Any) -> RawFile:
    path = folder / "delivered"
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/delivered", size_bytes=len(content), **more)


def read(name: str, raw: RawFile, **options: Any) -> list[Batch]:
    plugin = FORMATS.get(name)
    return list(plugin(plugin.Options.model_validate({"format": name, **options})).read(raw))


def rows(batches: Sequence[Batch], table: str = "") -> list[dict[str, Any]]:
    """The rows of a table, without what is null."""
    found = [row for batch in batches if batch.table == table for row in batch.columns.to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def warnings(batches: Sequence[Batch]) -> list[str]:
    return [warning for batch in batches for warning in batch.warnings]


def bad(batches: Sequence[Batch]) -> list[Any]:
    return [record for batch in batches for record in batch.bad]


def likeness(name: str, folder: Path, content: bytes) -> Likeness | None:
    head: Head = head_of(raw_of(folder, content))
    found: Likeness | None = FORMATS.get(name).recognises(head)
    return found


def limits(**found: int) -> ReadLimits:
    names = {field.alias or key: key for key, field in ReadLimits.model_fields.items()}
    aliases: Mapping[str, str] = {key: alias for alias, key in names.items()}
    return ReadLimits.model_validate({aliases[key]: value for key, value in found.items()})
