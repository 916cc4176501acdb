"""Which of the files that were found are items: those that match, are finished, and have a name to be written down."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.files.options import FileSetOptions
from finport_ingestion.engine.sources.patterns import PathPattern

log = logging.getLogger(__name__)

UNFINISHED = (
    ".partial",
    ".part",
    ".tmp",
    ".temp",
    ".filepart",
    ".crdownload",
    ".writing",
    ".inprogress",
    ".uploading",
    ".swp",
    "~",
)
"""How the names of files end that somebody is still writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file of a listing. `path` lies below the source's folder, with `/`."""

    path: str
    size_bytes: int | None
    modified_at: datetime | None = None
    etag: str | None = None
    checksum: str | None = None  # "sha256:<hex>" or "md5:<hex>", as stated by the source


def chosen(
    found: Iterable[FoundFile], options: FileSetOptions, *, now: datetime, ranges: int, source: str
) -> list[SourceItem]:
    """The items, by id. Names come from the server: what cannot stand in a path is left out, with a warning.

    Args:
        now: To tell how old a file is.
        ranges: How many ranges of a file the protocol can be asked for at a time.
        source: The document's name, for warnings.
    """
    files = {file.path: file for file in found}
    pattern = PathPattern(options.pattern)
    items = [
        SourceItem(
            id=path,
            size_bytes=file.size_bytes,
            modified_at=file.modified_at,
            etag=file.etag,
            checksum=file.checksum,
            ranges=ranges,
        )
        for path, file in sorted(files.items())
        if pattern.matches(path)
        and _is_data(path, options)
        and _is_writable_name(path, source)
        and all(f"{path}{suffix}" in files for suffix in (options.done_suffix, options.checksum_suffix) if suffix)
        and (not options.settle or file.modified_at is None or file.modified_at <= now - options.settle)
    ]
    if options.settle and not options.look_again and any(item.modified_at is None for item in items):
        log.warning("%s: no times are stated there, so 'settle' says nothing; 'lookAgain' does", source)
    return items


def _is_data(path: str, options: FileSetOptions) -> bool:
    marks = tuple(mark for mark in (options.done_suffix, options.checksum_suffix) if mark)
    hidden = any(part.startswith(".") for part in path.split("/"))
    return not hidden and not path.lower().endswith(UNFINISHED) and not (marks and path.endswith(marks))


def _is_writable_name(path: str, source: str) -> bool:
    parts = path.split("/")
    if path.isprintable() and not any(part in ("", ".", "..") for part in parts) and "\\" not in path:
        return True
    log.warning("%s: %r has no name that can be written down as a path; it is left out", source, path)
    return False
