"""Land items as delivered: into the landing area, hashed on the way, compared with what the source states."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from finport_ingestion.engine.collect.checksums import Digests
from finport_ingestion.engine.collect.resumable import ResumableItem
from finport_ingestion.engine.collect.transfer import next_chunk
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.files import write_atomically
from finport_ingestion.engine.records import Part, SourceItem
from finport_ingestion.engine.sources.interface import ByteSource, RowSource
from finport_ingestion.engine.step import StepContext, safe_name

if TYPE_CHECKING:
    from upath import UPath

_NAME_LIMIT = 80


def land(item: SourceItem, *, index: int, source: ByteSource | RowSource, context: StepContext) -> Iterator[Part]:
    """Fetch one item; a part for each file that it is delivered in.

    What can be asked for from any byte on is taken up where an earlier try of this run left it; the rest comes whole.

    Args:
        index: The item's number in the run; keeps the names of two items apart.

    Raises:
        ChecksumMismatch: The bytes are not those that the source states.
        PermanentError: The item is larger than the policy allows.
        StorageUnavailable: The landing area cannot be written.
    """
    folder = context.folder("landing") / f"{index:05d}-{safe_name(item.id)[:_NAME_LIMIT]}"
    if isinstance(source, RowSource):
        yield _land_rows(item, folder=folder, source=source, context=context)
    elif item.ranges:
        file = ResumableItem(item, folder=folder, source=source, context=context).land()
        yield Part(
            uri=context.places.relative(folder / file.name),
            format="raw",
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            item=item.id,
            sequence=0,
            media_type=file.media_type,
        )
    else:
        yield from _land_whole(item, folder=folder, source=source, context=context)


def _land_whole(item: SourceItem, *, folder: UPath, source: ByteSource, context: StepContext) -> Iterator[Part]:
    limit = context.plan.settings(context.source, context.step).limits.item_size_bytes
    what = f"{context.source.name}: {item.id}"
    for sequence, delivery in enumerate(source.open(item)):
        path = folder / f"{sequence:05d}{delivery.suffix}"
        digests = Digests()
        digests.expect(delivery.checksum or item.checksum)
        with write_atomically(path) as file:
            while chunk := next_chunk(delivery.stream, what=what):
                context.deadline.check()
                digests.update(chunk)
                digests.limit(limit, what=what)
                file.write(chunk)
                context.progress.advance(size_bytes=len(chunk))
            digests.compare([delivery.size_bytes], what=what)
        yield Part(
            uri=context.places.relative(path),
            format="raw",
            size_bytes=digests.size_bytes,
            sha256=digests.sha256,
            item=item.id,
            sequence=sequence,
            media_type=delivery.media_type,
        )


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
