"""A reader that opens what lies around its files: compression, archives, encryption."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

from finport_ingestion.engine.convert.interface import Batch, Prepare, RawFile, Reader, read_ahead
from finport_ingestion.engine.convert.tables import Joined
from finport_ingestion.engine.convert.unpack import Unpacked, unpacked
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.options import UnpackOptions


class Opened:
    """Gives the records of the one file inside, or of all of them where the Format calls them one table."""

    def __init__(self, reader: Reader, unpack: UnpackOptions, password: Callable[[], str | None]) -> None:
        self.inner = self._reader = reader
        self._unpack = unpack
        self._password = password
        self.typed, self.whole_file, self.isolated = reader.typed, reader.whole_file, reader.isolated
        self.main_table = reader.main_table

    def read(self, raw: RawFile) -> Iterator[Batch]:
        """The records inside `raw`.

        Raises:
            ConfigError: It is an archive of several files, and nothing says which of them are meant.
        """
        with self._inside(raw) as (inside, reader):
            yield from _told(reader.read(raw), inside)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """As `read`, by several threads."""
        with self._inside(raw) as (inside, reader):
            yield from _told(read_ahead(reader, raw, prepare=prepare, threads=threads), inside)

    def read_columns(self, raw: RawFile, columns: frozenset[str], *, threads: int) -> Iterator[Batch]:
        """Some columns of the records inside `raw`."""
        with self._inside(raw) as (_, reader):
            yield from reader.read_columns(raw, columns, threads=threads)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        """Some of the records inside `raw`."""
        with self._inside(raw) as (_, reader):
            yield from reader.sample(raw, size_bytes=size_bytes)

    @contextlib.contextmanager
    def _inside(self, raw: RawFile) -> Iterator[tuple[Unpacked, Joined]]:
        with unpacked(raw, options=self._unpack, password=self._password) as inside:
            if len(inside.files) > 1 and not self._unpack.union:
                names = ", ".join(file.file_name for file in inside.files[:10])
                raise ConfigError(
                    f"{raw.uri}: holds {len(inside.files)} files: {names}.",
                    hint="name the ones that are data with 'unpack.members', or say 'unpack.union: true'",
                )
            yield inside, Joined(self._reader, inside.files)


def _told(batches: Iterator[Batch], inside: Unpacked) -> Iterator[Batch]:
    """The batches; the first one also tells what lay around them."""
    for number, batch in enumerate(batches):
        if number or not inside.compression:
            yield batch
            continue
        yield dataclasses.replace(
            batch,
            facts={**batch.facts, "compression": inside.compression},
            notes=(*batch.notes, *inside.notes),
            warnings=(*batch.warnings, *inside.warnings),
        )
