"""What a file system states of a file, under whatever names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from finport_ingestion.engine.sources.files.choice import FoundFile

_TIMES = (
    "mtime",
    "LastModified",
    "last_modified",
    "modified",
    "updated",
    "modificationTime",
    "last_write_time",
    "created",
)
_VERSIONS = ("ETag", "etag", "sha", "CRC", "md5", "md5Hash", "generation")
_MILLISECONDS_SINCE = 1e11  # larger numbers are no seconds: they would lie in the year 5138


def facts_of(path: str, stated: Mapping[str, Any]) -> FoundFile:
    """One file of a listing; what is not stated, or not understood, is None."""
    size = stated.get("size")
    version = next((stated[name] for name in _VERSIONS if stated.get(name) is not None), None)
    times = (_moment(stated[name]) for name in _TIMES if stated.get(name) is not None)
    return FoundFile(
        path=path,
        size_bytes=size if isinstance(size, int) else None,
        modified_at=next((moment for moment in times if moment), None),
        etag=None if version is None else str(version),
    )


def _moment(value: Any) -> datetime | None:
    """Naive times count as UTC; numbers are seconds or milliseconds since 1970."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS_SINCE else value, tz=UTC)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
