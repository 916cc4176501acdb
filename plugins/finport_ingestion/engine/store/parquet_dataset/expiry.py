"""What may be removed: states that nobody goes back to, and files that no state shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from upath import UPath

from finport_ingestion.engine.store.interface import Expired
from finport_ingestion.engine.store.parquet_dataset.data_file import DATA, PARTIAL
from finport_ingestion.engine.store.parquet_dataset.log import FOLDER, SnapshotLog, list_folder, written_at

UNFINISHED_AGE = timedelta(days=1)
"""A file that no snapshot shows may belong to a publisher at work until it is older than any step may take."""
SETTLING_AGE = timedelta(hours=1)
"""A number is not free again while somebody may still try to make the snapshot that follows its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A file that may be removed."""

    path: UPath
    size_bytes: int


def expire(log: SnapshotLog, *, before: datetime, now: datetime, dry_run: bool) -> Expired:
    """See `Storage.expire`. The current snapshot and what it needs always stay.

    A state that was current at `before`, or later, stays whole, so that a publication after `before` can be taken back.
    """
    superseded_before = min(before, now - SETTLING_AGE)
    numbers = _superseded(log, superseded_before)
    kept = [number for number in log.numbers() if number not in numbers]
    needed = {file.path for number in kept for file in log.load(number).files()}
    unfinished_before = now - UNFINISHED_AGE
    shown = {file.path for number in numbers for file in log.load(number).files()} - needed
    snapshots = [_Found(path=log.path(number), size_bytes=0) for number in numbers]
    files = [
        *_unneeded(log, needed=needed, superseded=shown, before=(superseded_before, unfinished_before)),
        *_leftovers(log.folder / PARTIAL, unfinished_before),
        *_leftovers(log.folder / FOLDER, unfinished_before),
    ]
    if not dry_run:
        # Oldest first: what is left of the log never has a hole. Files last: no snapshot that is left misses one.
        _remove(snapshots)
        _remove(files)
    return Expired(snapshots=len(snapshots), files=len(files), size_bytes=sum(file.size_bytes for file in files))


def _superseded(log: SnapshotLog, before: datetime) -> list[int]:
    """The snapshots that had been replaced by a later one at `before`; lowest first."""
    ages = log.ages()
    numbers = sorted(ages)
    found = []
    for number, following in itertools.pairwise(numbers):
        commit = log.load(following).commit
        stands_for = commit.committed_at if commit else ages[following]
        # A backfill stands for a moment long past, but was published only now.
        if max(stands_for, ages[following]) >= before:
            break
        found.append(number)
    return found


def _unneeded(
    log: SnapshotLog, *, needed: set[str], superseded: set[str], before: tuple[datetime, datetime]
) -> Iterable[_Found]:
    folder = log.folder / DATA
    folder.fs.invalidate_cache(folder.path)
    root = log.folder.path.rstrip("/") + "/"
    for name, entry in sorted(folder.fs.find(folder.path, detail=True).items()):
        path = name.removeprefix(root)
        # What a publisher writes anew is young again, whatever expired snapshot had the same bytes.
        if path not in needed and written_at(entry) < before[0 if path in superseded else 1]:
            yield _Found(path=log.folder / path, size_bytes=int(entry["size"] or 0))


def _leftovers(folder: UPath, before: datetime) -> Iterable[_Found]:
    for name, entry in sorted(list_folder(folder).items()):
        if name.endswith(".partial") and written_at(entry) < before:
            yield _Found(path=folder / name, size_bytes=_size(entry))


def _size(entry: dict[str, Any]) -> int:
    return int(entry.get("size") or 0)


def _remove(found: Iterable[_Found]) -> None:
    for file in found:
        # Another clean may have been faster.
        file.path.unlink(missing_ok=True)
