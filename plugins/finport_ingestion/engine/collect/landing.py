"""Land items as delivered: stream to the landing area, hash on the way, compare with what the source states."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError
from finport_ingestion.engine.files import write_atomically
from finport_ingestion.engine.records import Part, SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, Delivery, RowSource
from finport_ingestion.engine.step import StepContext, safe_name

if TYPE_CHECKING:
    from upath import UPath

_CHUNK_BYTES = 1 << 20
_NAME_LIMIT = 80


def land(item: SourceItem, *, index: int, source: ByteSource | RowSource, context: StepContext) -> Iterator[Part]:
    """Fetch one item; a part for each file that it is delivered in.

    Args:
        index: The item's number in the run; keeps the names of two items apart.

    Raises:
        ChecksumMismatch: The bytes are not those that the source states.
        PermanentError: The item is larger than the policy allows.
    """
    folder = context.folder("landing") / f"{index:05d}-{safe_name(item.id)[:_NAME_LIMIT]}"
    if isinstance(source, RowSource):
        yield _land_rows(item, folder=folder, source=source, context=context)
        return
    limit = context.plan.settings(context.source, context.step).limits.item_size_bytes
    for sequence, delivery in enumerate(source.open(item)):
        path = folder / f"{sequence:05d}{delivery.suffix}"
        size, digests = _stream(delivery, path, limit=limit, context=context, item=item)
        _compare(delivery, size, digests, item=item, source_name=context.source.name)
        yield Part(
            uri=context.places.relative(path),
            format="raw",
            size_bytes=size,
            sha256=digests["sha256"],
            item=item.id,
            sequence=sequence,
            media_type=delivery.media_type,
        )


def _stream(
    delivery: Delivery, path: UPath, *, limit: int, context: StepContext, item: SourceItem
) -> tuple[int, dict[str, str]]:
    hashes = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    size = 0
    with write_atomically(path) as file:
        for chunk in _chunks(delivery.stream):
            size += len(chunk)
            if size > limit:
                raise PermanentError(
                    f"{context.source.name}: {item.id} is larger than {limit} bytes.", hint="raise limits.itemSizeBytes"
                )
            context.deadline.check()
            file.write(chunk)
            for digest in hashes.values():
                digest.update(chunk)
            context.progress.advance(size_bytes=len(chunk))
    return size, {name: digest.hexdigest() for name, digest in hashes.items()}


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _compare(delivery: Delivery, size: int, digests: dict[str, str], *, item: SourceItem, source_name: str) -> None:
    hint = "the transfer was cut or altered on the way; ask the source to deliver it again if it happens twice"
    if delivery.size_bytes is not None and delivery.size_bytes != size:
        raise ChecksumMismatch(
            f"{source_name}: {item.id} has {size} bytes, {delivery.size_bytes} were stated.", hint=hint
        )
    if delivery.checksum:
        kind, _, stated = delivery.checksum.partition(":")
        if digests.get(kind, stated) != stated.lower():
            raise ChecksumMismatch(f"{source_name}: {item.id} has another {kind} than the source states.", hint=hint)


def _land_rows(item: SourceItem, *, folder: UPath, source: RowSource, context: StepContext) -> Part:
    from finport_ingestion.engine.parquet_file import write_parquet

    path = folder / "00000.parquet"
    batches = source.read(item)
    first = next(batches, None)
    if first is None:
        raise PermanentError(
            f"{context.source.name}: {item.id} gave not even an empty batch.", hint="report this source"
        )
    with write_parquet(path, first.schema) as sink:
        for batch in itertools.chain([first], batches):
            context.deadline.check()
            sink.write(batch)
            context.progress.advance(rows=batch.num_rows, size_bytes=batch.nbytes)
    return Part(
        uri=context.places.relative(path),
        format="parquet",
        size_bytes=sink.size_bytes,
        sha256=sink.sha256,
        item=item.id,
        sequence=0,
        row_count=sink.row_count,
        media_type="application/vnd.apache.parquet",
    )
