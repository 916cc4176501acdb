"""Where the stages meet: what a source lists, what a step leaves behind, what it reports.

Every uri in here is relative to the root of the run's places (`landing/...`, `staging/...`), so that the same run
writes the same bytes wherever it lies. No wall-clock time stands in a manifest: times belong to the ledger.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

PART_COLUMN = "_finport_part"
"""Text: the landed part (uri) that a row was read from."""
ROW_COLUMN = "_finport_row"
"""int64: the row's number in that part, from 1, headers not counted."""
LINEAGE_COLUMNS = (PART_COLUMN, ROW_COLUMN)


class Replaces(StrEnum):
    """What earlier publications of the same source and dataset a new one stands in for."""

    ITEMS = "items"  # those of the same item ids: a file delivered again
    SOURCE = "source"  # everything from this source: a whole table or collection read again
    NOTHING = "nothing"  # nothing: an increment behind a watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One thing a source lists: a file, a collection behind an API, a slice of a query.

    `id` is stable over runs and unique in the source. The facts are what the source states without a transfer; None
    means that it does not say. `slice` is what the source needs to read the item again, as plain text.
    """

    id: str
    size_bytes: int | None = None
    modified_at: datetime | None = None
    etag: str | None = None
    checksum: str | None = None  # "sha256:<hex>" or "md5:<hex>", as stated by the source
    record_count: int | None = None
    media_type: str | None = None
    ranges: int = 0  # how many ranges of its bytes can be asked for at a time; 0: it only comes whole
    slice: Mapping[str, str] = field(default_factory=dict)


POSITIONS = "positions"
"""The type of a watermark that no column has and only its source reads, such as the offsets of each partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The highest value of the cursor field taken so far, spelled so that it sorts back to the same value.

    `ties` are the rows that are known when they are delivered again, as ties.py spells them: digests (SHA-256 of the
    canonical row, lower-case hex) of those at the mark, near it, without a value, or beyond it in quarantine.
    """

    field: str
    value: str
    type: str  # spelling of a logical type, or POSITIONS
    ties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What is remembered of a published item, to see later whether it has changed."""

    item: str
    sha256: str  # of the landed bytes of the item, parts in order
    size_bytes: int | None = None
    modified_at: datetime | None = None
    etag: str | None = None
    record_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file that a step wrote, or the landed bytes of (a page of) an item."""

    uri: str  # relative to the places' root
    format: str  # of convert/registry.py; the raw format for landed parts
    size_bytes: int
    sha256: str  # lower-case hex, of the file's bytes
    item: str  # SourceItem.id
    sequence: int  # order within the item, from 0
    row_count: int | None = None
    media_type: str | None = None
    schema: str | None = None  # fingerprint of the Arrow schema
    made_from: tuple[str, ...] = ()  # uris


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a step of a run left behind for one source. Written last, so it means complete."""

    workflow: str
    source: str
    dataset: str
    run_id: str
    step: str
    plan: str  # digest of the compiled plan
    package: str  # version of this package
    replaces: Replaces
    parts: tuple[Part, ...]
    rejects: tuple[Part, ...] = ()  # quarantined records, as Parquet
    items: tuple[Fingerprint, ...] = ()
    watermark: Watermark | None = None  # where the source stands once this is published
    facts: Mapping[str, Any] = field(default_factory=dict)  # numbers and short texts, e.g. score, rules, schema

    @property
    def row_count(self) -> int:
        return sum(part.row_count or 0 for part in self.parts)

    @property
    def reject_count(self) -> int:
        return sum(part.row_count or 0 for part in self.rejects)

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    def to_json(self) -> bytes:
        """Canonical: the same manifest is the same bytes."""
        document = dataclasses.asdict(self)
        return (json.dumps(document, indent=1, sort_keys=True, default=_encode, ensure_ascii=False) + "\n").encode()

    @staticmethod
    def from_json(document: bytes) -> Manifest:
        fields = json.loads(document)
        fields["replaces"] = Replaces(fields["replaces"])
        fields["parts"] = tuple(_part(part) for part in fields["parts"])
        fields["rejects"] = tuple(_part(part) for part in fields["rejects"])
        fields["items"] = tuple(_fingerprint(item) for item in fields["items"])
        if fields["watermark"]:
            fields["watermark"] = Watermark(**{**fields["watermark"], "ties": tuple(fields["watermark"]["ties"])})
        return Manifest(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What the store's commit log says of one commit; the ledger is derived from it."""

    source: str
    dataset: str
    storage: str
    commit: str  # the snapshot's number, or the commit table's id
    run_id: str
    row_count: int  # rows of this commit
    items: tuple[Fingerprint, ...] = ()
    replaces: Replaces = Replaces.ITEMS
    watermark: Watermark | None = None
    already_there: bool = False  # an earlier run (or try) published the same items; nothing was written


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """The facts that a step reports: small enough for a log line and an XCom, never data."""

    manifest: str | None = None  # uri, relative to the places' root
    batches: int | None = None  # of a parallel step's split: how many batch numbers to work on
    items: int = 0
    rows_read: int = 0
    rows_passed: int = 0
    rows_quarantined: int = 0
    size_bytes: int = 0
    score: float | None = None
    notes: tuple[str, ...] = ()  # sentences for a person
    publication: Publication | None = None  # committed to the state together with the ledger
    schema: str | None = None  # JSON of the inferred schema, for event `schema_inferred`
    place: str | None = None  # where a person finds the data


def _part(fields: dict[str, Any]) -> Part:
    return Part(**{**fields, "made_from": tuple(fields["made_from"])})


def _fingerprint(fields: dict[str, Any]) -> Fingerprint:
    modified = fields["modified_at"]
    return Fingerprint(**{**fields, "modified_at": datetime.fromisoformat(modified) if modified else None})


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a manifest holds no {type(value).__name__}")
