"""What a protocol does: list the items of a source and give one of them, as bytes or as rows.

A protocol is one class with `Options` (a SourceOptions with `protocol: Literal[...]`), made as
`Class(options, access)`, that fits ByteSource or RowSource. Both are synchronous; a module that
needs an event loop keeps it inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Protocol, runtime_checkable

from finport_ingestion.engine.auth.interface import Told, untold
from finport_ingestion.engine.network.protection import Protection

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.auth.vault import TokenVault
    from finport_ingestion.engine.clock import Deadline
    from finport_ingestion.engine.connections import ConnectionSpec
    from finport_ingestion.engine.options import AuthOptions
    from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
    from finport_ingestion.engine.resilience.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a source may use: its connection, how to authenticate, and its limits."""

    source: str  # the document's name, for messages
    connection: ConnectionSpec | None
    auth: AuthOptions | None
    auth_connection: ConnectionSpec | None  # where the auth method finds its secret; the source's own by default
    deadline: Deadline
    gate: Gate  # that each request or session passes
    protection: Protection = field(default_factory=Protection)
    request_timeout_seconds: float = 30.0
    connections: int = 10  # at most so many requests or sessions at a time
    cursor: str | None = None  # the field of `incremental`
    start: str | None = None  # where the first incremental run begins
    vault: TokenVault | None = None  # where tokens are shared between processes; without it, only within this one
    told: Told = untold  # of tokens that were obtained, and credentials that were rotated


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of an item: from `start`, and up to but without `stop`, or to the end."""

    start: int
    stop: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One stream of bytes of an item: the file, or one page. Read it before asking for the next."""

    stream: IO[bytes]
    media_type: str | None = None
    suffix: str = ""  # of the file name, with its dot, e.g. ".csv"
    size_bytes: int | None = None  # as stated by the source
    checksum: str | None = None  # "sha256:<hex>" or "md5:<hex>", as stated by the source


class Listing(Protocol):
    """What both sorts of source have."""

    Options: Any

    def check(self) -> str:
        """Reach the source and log in; one sentence about what answered (no secrets).

        Raises:
            SourceUnavailable, AccessDenied, ConfigError: It cannot be reached, or not like this.
        """
        ...

    def replaces(self, after: Watermark | None) -> Replaces:
        """What a publication of the items found behind `after` stands in for."""
        ...

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """List what there is, behind the watermark if there is one, in a stable order."""
        ...


@runtime_checkable
class ByteSource(Listing, Protocol):
    """Files, pages, documents: a format decides what they mean."""

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """The bytes of `item`, in order; each stream is closed when the next is asked for.

        Args:
            span: Only these bytes, in one delivery whose size is the span's; for an item with `ranges`. The source
                binds them to the version that was listed: bytes of two versions never come together.

        Raises:
            SourceItemChanged: It is not any more what was listed.
        """
        ...


@runtime_checkable
class Positioned(Protocol):
    """A source that, besides, knows its place without a column: the offsets of a topic. It needs no `incremental`."""

    def reached(self, taken: Sequence[SourceItem]) -> Watermark | None:
        """Where it stands once these items are published, of type POSITIONS: the first ones of a listing, or all."""
        ...


@runtime_checkable
class RowSource(Listing, Protocol):
    """Tables and queries: values arrive typed, and stay exactly as typed."""

    def read(self, item: SourceItem) -> Iterator[pa.RecordBatch]:
        """The rows of `item`; all batches have one schema."""
        ...
