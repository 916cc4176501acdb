"""What one snapshot file says: the visible files, what each source has published, and the commit that made it.

```text
store/<dataset>/
├── data/symbol=AAPL/<sha256>.parquet     immutable; columns of the partition stand in the path only
├── _snapshots/00000000000000000007.json  made once, never changed; the highest number is the current state
└── _partial/                             files being written; rubbish when their process is gone
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.records import Fingerprint, Publication, Replaces, Watermark
from finport_ingestion.engine.store.decision import Current, identities

VERSION = 1


class Action(StrEnum):
    """What a commit did."""

    PUBLISH = "publish"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One immutable Parquet file; it holds rows of one item and one partition."""

    path: str  # relative to the dataset's folder
    rows: int
    size_bytes: int
    sha256: str
    schema: str  # fingerprint of the columns, those of the partition included
    partition: Mapping[str, str | None] = field(default_factory=dict)  # by column, as text


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """One published item: what it was, which commit brought it, and its files."""

    fingerprint: Fingerprint
    commit: int
    rows: int
    files: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one snapshot changed. `items` are what a publication added."""

    number: int
    action: Action
    workflow: str
    source: str
    run_id: str
    committed_at: datetime
    replaces: Replaces
    watermark: Watermark | None = None
    items: tuple[StoredItem, ...] = ()
    took_back: tuple[int, ...] = ()  # of a retraction: the commits that no longer count

    @property
    def rows(self) -> int:
        return sum(item.rows for item in self.items)

    def publication(self, dataset: str) -> Publication:
        """The same for the ledger."""
        return Publication(
            source=self.source,
            dataset=dataset,
            storage="parquet",
            commit=str(self.number),
            run_id=self.run_id,
            row_count=self.rows,
            items=tuple(item.fingerprint for item in self.items),
            replaces=self.replaces,
            watermark=self.watermark,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is visible of one source, and which commits brought it (without their items)."""

    items: tuple[StoredItem, ...] = ()
    watermark: Watermark | None = None
    commits: Mapping[int, Commit] = field(default_factory=dict)

    @property
    def current(self) -> Current:
        items = identities(item.fingerprint for item in self.items)
        return Current(items=items, watermark=self.watermark)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetState:
    """One snapshot. `schemas` are those of all files so far, by fingerprint; `schema` fits all that are visible."""

    number: int
    dataset: str
    commit: Commit | None  # None: before the first one
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    schema: str | None = None
    schemas: Mapping[str, str] = field(default_factory=dict)

    def source(self, name: str) -> SourceState:
        return self.sources.get(name, SourceState())

    def items(self) -> Iterator[StoredItem]:
        """Every visible item, in a stable order."""
        for name in sorted(self.sources):
            yield from self.sources[name].items

    def files(self) -> Iterator[StoredFile]:
        """Every visible file, in a stable order."""
        for item in self.items():
            yield from item.files

    def to_json(self) -> bytes:
        """Compact and canonical: the same state is the same bytes."""
        commit = self.commit
        if commit is None:
            raise ValueError("the state before the first commit is not written")
        document = {
            "version": VERSION,
            "number": self.number,
            "parent": self.number - 1 or None,
            "dataset": self.dataset,
            **_commit_fields(commit),
            "rows_added": commit.rows,
            "files": [_file(name, item, file) for name, item, file in self._placed()],
            "sources": {name: _source(self.sources[name]) for name in sorted(self.sources)},
            "schema": self.schema,
            "schemas": {name: self.schemas[name] for name in sorted(self.schemas)},
        }
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)

    def _placed(self) -> Iterator[tuple[str, StoredItem, StoredFile]]:
        for name in sorted(self.sources):
            for item in self.sources[name].items:
                for file in item.files:
                    yield name, item, file

    @staticmethod
    def from_json(document: bytes, *, where: str) -> DatasetState:
        """What `to_json` wrote.

        Raises:
            FormatError: It is not a snapshot, or one of a newer version of this package.
        """
        try:
            fields = orjson.loads(document)
            if fields["version"] != VERSION:
                raise FormatError(f"{where} is a snapshot of version {fields['version']}.", hint="update this package")
            return _state(fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{where} is not a snapshot: {error}.", hint="restore it from a backup") from error


def _state(fields: dict[str, Any]) -> DatasetState:
    files: dict[tuple[str, str, int], list[StoredFile]] = {}
    for entry in fields["files"]:
        file = {key: entry[key] for key in StoredFile.__slots__}
        files.setdefault((entry["source"], entry["item"], entry["commit"]), []).append(StoredFile(**file))
    sources = {name: _read_source(name, entry, files) for name, entry in fields["sources"].items()}
    number, action = fields["number"], Action(fields["action"])
    added = sources.get(fields["source"], SourceState()).items if action is Action.PUBLISH else ()
    return DatasetState(
        number=number,
        dataset=fields["dataset"],
        commit=_read_commit(fields, items=tuple(item for item in added if item.commit == number)),
        sources=sources,
        schema=fields["schema"],
        schemas=fields["schemas"],
    )


def _fields(record: StoredFile | Fingerprint) -> dict[str, Any]:
    # dataclasses.asdict copies every value deeply: ten times the time for a dataset of many files.
    return {name: getattr(record, name) for name in type(record).__slots__}


def _file(source: str, item: StoredItem, file: StoredFile) -> dict[str, Any]:
    return {**_fields(file), "source": source, "item": item.fingerprint.item, "commit": item.commit}


def _commit_fields(commit: Commit) -> dict[str, Any]:
    return {
        "number": commit.number,
        "action": commit.action,
        "workflow": commit.workflow,
        "source": commit.source,
        "run_id": commit.run_id,
        "committed_at": commit.committed_at,
        "replaces": commit.replaces,
        "watermark": commit.watermark,
        "took_back": commit.took_back,
    }


def _read_commit(fields: dict[str, Any], *, items: tuple[StoredItem, ...] = ()) -> Commit:
    return Commit(
        number=fields["number"],
        action=Action(fields["action"]),
        workflow=fields["workflow"],
        source=fields["source"],
        run_id=fields["run_id"],
        committed_at=datetime.fromisoformat(fields["committed_at"]),
        replaces=Replaces(fields["replaces"]),
        watermark=_read_watermark(fields["watermark"]),
        items=items,
        took_back=tuple(fields["took_back"]),
    )


def _source(state: SourceState) -> dict[str, Any]:
    return {
        "watermark": state.watermark,
        "items": [{**_fields(item.fingerprint), "commit": item.commit, "rows": item.rows} for item in state.items],
        "commits": [_commit_fields(state.commits[number]) for number in sorted(state.commits)],
    }


def _read_source(
    name: str, fields: dict[str, Any], files: Mapping[tuple[str, str, int], list[StoredFile]]
) -> SourceState:
    items = []
    for entry in fields["items"]:
        commit, rows = entry.pop("commit"), entry.pop("rows")
        modified = entry["modified_at"]
        entry["modified_at"] = datetime.fromisoformat(modified) if modified else None
        found = tuple(files.get((name, entry["item"], commit), ()))
        items.append(StoredItem(fingerprint=Fingerprint(**entry), commit=commit, rows=rows, files=found))
    commits = (_read_commit(entry) for entry in fields["commits"])
    return SourceState(
        items=tuple(items),
        watermark=_read_watermark(fields["watermark"]),
        commits={commit.number: commit for commit in commits},
    )


def _read_watermark(fields: dict[str, Any] | None) -> Watermark | None:
    return Watermark(**{**fields, "ties": tuple(fields["ties"])}) if fields else None
