"""The commit log of a dataset: numbered snapshot files, each made once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from upath import UPath

from finport_ingestion.engine.errors import SourceItemMissing
from finport_ingestion.engine.files import create
from finport_ingestion.engine.store.parquet_dataset.snapshot import DatasetState

FOLDER = "_snapshots"
_NAME = re.compile(r"^(\d{20})\.json$")


@dataclass(frozen=True, slots=True)
class SnapshotLog:
    """The snapshots below a dataset's folder."""

    dataset: str
    folder: UPath

    def path(self, number: int) -> UPath:
        return self.folder / FOLDER / f"{number:020d}.json"

    def numbers(self) -> list[int]:
        """The numbers of the snapshots there are, lowest first."""
        return sorted(int(match.group(1)) for name in _names(self.folder / FOLDER) if (match := _NAME.match(name)))

    def ages(self) -> dict[int, datetime]:
        """When each snapshot was written, by the store's own clock."""
        entries = list_folder(self.folder / FOLDER).items()
        return {int(match.group(1)): written_at(entry) for name, entry in entries if (match := _NAME.match(name))}

    def head(self) -> DatasetState:
        """The current state; number 0 before the first commit."""
        numbers = self.numbers()
        return self.load(numbers[-1]) if numbers else self.empty()

    def empty(self) -> DatasetState:
        return DatasetState(number=0, dataset=self.dataset, commit=None)

    def load(self, number: int) -> DatasetState:
        """One snapshot.

        Raises:
            SourceItemMissing: It was never made, or has expired.
        """
        if number == 0:
            return self.empty()
        path = self.path(number)
        try:
            return DatasetState.from_json(path.read_bytes(), where=str(path))
        except FileNotFoundError as error:
            raise SourceItemMissing(
                f"dataset {self.dataset} has no snapshot {number}.", hint="it may have expired; read the current one"
            ) from error

    def states(self) -> Iterator[DatasetState]:
        """All snapshots that there are, newest first; those that expire meanwhile are left out."""
        for number in reversed(self.numbers()):
            try:
                state = self.load(number)
            except SourceItemMissing:
                return
            yield state

    def append(self, state: DatasetState) -> bool:
        """Make `state` the current one; False when another publisher was faster."""
        return create(self.path(state.number), state.to_json())


def list_folder(folder: UPath) -> dict[str, dict[str, Any]]:
    """What lies directly in a folder, as fsspec describes it, by name; nothing when there is no folder."""
    return {_last(entry["name"]): entry for entry in _ls(folder, detail=True)}


def _names(folder: UPath) -> list[str]:
    return [_last(name) for name in _ls(folder, detail=False)]


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _ls(folder: UPath, *, detail: bool) -> list[Any]:
    # Object stores' clients remember listings; a snapshot made by another process must be seen.
    folder.fs.invalidate_cache(folder.path)
    try:
        return list(folder.fs.ls(folder.path, detail=detail))
    except FileNotFoundError:
        return []


def written_at(entry: dict[str, Any]) -> datetime:
    """When a file was written, by the clock of where it lies."""
    for key in ("LastModified", "last_modified", "mtime", "updated"):
        value = entry.get(key)
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        if isinstance(value, str):
            return datetime.fromisoformat(value).astimezone(UTC)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
    # A store that does not say: never old enough to be removed.
    return datetime.max.replace(tzinfo=UTC)
