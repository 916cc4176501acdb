"""Items that can be asked for from any byte on: in ranges side by side, and on from where an earlier try ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.engine.collect.checksums import Digests
from finport_ingestion.engine.collect.journal import Told, version_of
from finport_ingestion.engine.collect.partial import Partial, landed_before
from finport_ingestion.engine.collect.ranges import RangePlan, fill, in_order
from finport_ingestion.engine.collect.transfer import Transfer
from finport_ingestion.engine.errors import (
    ChecksumMismatch,
    SourceItemChanged,
    SourceItemMissing,
    StorageUnavailable,
)
from finport_ingestion.engine.files import local_path, write_atomically
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import ByteSource
from finport_ingestion.engine.step import StepContext

if TYPE_CHECKING:
    from upath import UPath

_NAME = "00000"
_USELESS = (ChecksumMismatch, SourceItemChanged, SourceItemMissing, StorageUnavailable)
"""After these, what is there is of no use to another try, or takes the room that it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedFile:
    """A landed item, by its name in the item's folder."""

    name: str
    size_bytes: int
    sha256: str  # lower-case hex
    media_type: str | None


class ResumableItem:
    """One item with `ranges`, on its way into its folder of the landing area."""

    def __init__(self, item: SourceItem, *, folder: UPath, source: ByteSource, context: StepContext) -> None:
        settings = context.plan.settings(context.source, context.step)
        self._item = item
        self._folder = folder
        self._source = source
        self._context = context
        self._what = f"{context.source.name}: {item.id}"
        self._limit_bytes = settings.limits.item_size_bytes
        self._plan = RangePlan.of(item, settings.downloads)
        self._digests = Digests()

    def land(self) -> LandedFile:
        """Fetch what is not there yet. Raises as `land` of landing.py says."""
        here = local_path(self._folder)
        return self._into_store() if here is None else self._into_folder(here)

    def _into_folder(self, folder: Path) -> LandedFile:
        # Without a size nobody knows whether a part is the whole.
        version = None if self._item.size_bytes is None else version_of(self._item)
        if before := landed_before(folder, _NAME, version=version):
            landed, told = before
            return LandedFile(
                name=landed.name, size_bytes=landed.size_bytes, sha256=landed.sha256, media_type=told.media_type
            )
        with Partial.opened(folder, _NAME, version=version) as partial:
            try:
                self._fill(partial)
                told = partial.told or Told()
                self._compare(told)
                partial.finish(f"{_NAME}{told.suffix}", self._digests)
            except _USELESS:
                partial.discard()
                raise
        return self._landed(told)

    def _fill(self, partial: Partial) -> None:
        transfer = self._transfer(partial.say)
        if self._plan and partial.told is None:
            transfer.ask()
        self._hash(partial)
        if self._plan:
            fill(partial, transfer, self._plan, advanced=lambda: self._hash(partial))
            return
        reached = partial.frontier()
        if reached and reached == self._item.size_bytes:
            return
        with partial.writing(reached) as run:
            for chunk in transfer.chunks(reached):
                self._take(chunk, partial.told)
                run.write(chunk)

    def _hash(self, partial: Partial) -> None:
        """Take what is there without a gap: of ranges, those that come too early wait."""
        self._expect(partial.told)
        before = self._digests.size_bytes
        partial.hash_up_to(partial.frontier(), self._digests)
        self._context.progress.advance(size_bytes=self._digests.size_bytes - before)

    def _into_store(self) -> LandedFile:
        """Into an object store, which takes bytes in order, and shows them when they are all there."""
        said: list[Told] = []
        transfer = self._transfer(said.append)
        if self._plan:
            transfer.ask()
        chunks = in_order(transfer, self._plan) if self._plan else transfer.chunks()
        chunk = next(chunks, b"")
        told = said[0]
        with write_atomically(self._folder / f"{_NAME}{told.suffix}") as file:
            while chunk:
                self._take(chunk, told)
                file.write(chunk)
                chunk = next(chunks, b"")
            self._compare(told)
        return self._landed(told)

    def _transfer(self, say: Callable[[Told], None]) -> Transfer:
        context = self._context
        return Transfer(self._item, source=self._source, name=context.source.name, deadline=context.deadline, say=say)

    def _take(self, chunk: bytes, told: Told | None) -> None:
        self._expect(told)
        self._digests.update(chunk)
        self._digests.limit(self._limit_bytes, what=self._what)
        self._context.progress.advance(size_bytes=len(chunk))

    def _expect(self, told: Told | None) -> None:
        self._digests.expect(self._item.checksum)
        self._digests.expect(told.checksum if told else None)

    def _compare(self, told: Told) -> None:
        self._digests.compare([self._item.size_bytes, told.size_bytes], what=self._what)

    def _landed(self, told: Told) -> LandedFile:
        return LandedFile(
            name=f"{_NAME}{told.suffix}",
            size_bytes=self._digests.size_bytes,
            sha256=self._digests.sha256,
            media_type=told.media_type,
        )
