"""What a storage does: publish a manifest's parts at once, tell what it published, and take a publication back.

A storage is one class with `Options` (a StorageOptions with `storage: Literal[...]`), made as
`Class(options, opening)`, that fits `Storage`. Its commit log, which becomes durable in the same instant as the rows,
is the truth about what is published; the ledger is derived from it.

What is visible is the fold of all commits that were not taken back, in their order: a commit removes what it replaces
of its own source, and adds its own rows. Taking a commit back is the same fold without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from finport_ingestion.engine.step import NoProgress, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.clock import Clock, Deadline
    from finport_ingestion.engine.connections import Connections
    from finport_ingestion.engine.files import Places
    from finport_ingestion.engine.records import Manifest, Publication, Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a storage may use to work on one dataset."""

    dataset: str
    places: Places
    connections: Connections
    clock: Clock
    deadline: Deadline
    key: tuple[str, ...] = ()  # of the contract: the columns that name one record
    version: str | None = None  # of the contract: the column that tells its corrections apart
    progress: Progress = field(default_factory=NoProgress)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """What is to be published; the ids (workflow, source, dataset, run) stand in the manifest."""

    manifest: Manifest
    run_after: datetime  # the moment the run stands for; it becomes the time of the commit
    based_on: str | None = None  # value of the watermark behind which an increment was fetched
    again: bool = False  # write also what is published with the same fingerprint, in place of those rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What `expire` removed, or would remove."""

    snapshots: int = 0  # states that can no longer be read or gone back to; for SQL: commits that left the log
    files: int = 0
    rows: int = 0  # of a history table
    size_bytes: int = 0


@runtime_checkable
class Storage(Protocol):
    """A place of published records."""

    Options: Any

    @property
    def place(self) -> str:
        """Where a person finds the dataset."""
        ...

    def publish(self, request: PublishRequest) -> Publication:
        """Publish all of a manifest or nothing, at most once for each (source, item fingerprint), whatever the run.

        Raises:
            SourceMovedOn: An increment was fetched behind a watermark that is no longer the current one.
            StorageUnavailable, AccessDenied: The place cannot be reached or written.
            ContractBroken: A column's type fits no type that also holds what is already published.
        """
        ...

    def publications(self, source: str | None = None) -> list[Publication]:
        """The commits that were not taken back, oldest first. Of those before the retention: what is still current."""
        ...

    def find(self, run_id: str, source: str) -> Publication | None:
        """The last publication of that run of the source which was not taken back."""
        ...

    def watermark(self, source: str) -> Watermark | None:
        """Where the source stands by what is published."""
        ...

    def retract(self, source: str, run_id: str) -> bool:
        """Take back what that run of the source published, and restore what it replaced. False: there was nothing.

        Raises:
            PermanentError: A later increment builds on it, or what it replaced has expired.
        """
        ...

    def expire(self, before: datetime, *, dry_run: bool = False) -> Expired:
        """Give up going back to states superseded before `before`, and remove what only they and killed runs left."""
        ...

    def read(
        self, columns: Sequence[str] | None = None, *, limit: int | None = None, lineage: bool = False
    ) -> pa.Table:
        """Rows of the current state, in an order that is stable while nothing is published."""
        ...
