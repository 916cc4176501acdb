"""Records on their way: written down once while their fields are looked at, then read back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

from finport_ingestion.engine.errors import StorageUnavailable

_LENGTH_BYTES = 8


class Spill:
    """A file that is gone with the block: a source is asked only once, however much it has, and memory stays small."""

    def __init__(self, *, what: str) -> None:
        self._what = what

    def __enter__(self) -> Self:
        self._file: IO[bytes] = tempfile.TemporaryFile()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def write(self, record: bytes) -> None:
        """Add a record.

        Raises:
            StorageUnavailable: The disk is full.
        """
        try:
            self._file.write(len(record).to_bytes(_LENGTH_BYTES))
            self._file.write(record)
        except OSError as error:
            raise StorageUnavailable(
                f"{self._what}: the temporary folder cannot be written ({error.strerror}).",
                hint="make room there, or let TMPDIR name a larger one",
            ) from error

    def __iter__(self) -> Iterator[bytes]:
        """The records, as they were written."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            yield self._file.read(int.from_bytes(length))
