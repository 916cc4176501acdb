"""What an output format does: write the record batches of one schema to one file, from front to back."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


class OutputFile(Protocol):
    """A file that is being written."""

    row_count: int

    @property
    def size_bytes(self) -> int:
        """Written so far."""
        ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`, whose schema is the file's."""
        ...

    def close(self) -> None:
        """Write what is left and the end of the file; closing the stream is up to whoever opened it."""
        ...

    def abandon(self) -> None:
        """Give the file up: whoever opened it removes it."""
        ...


class Output(Protocol):
    """One output format."""

    suffix: str

    def open(self, file: BinaryIO, schema: pa.Schema) -> OutputFile:
        """Begin a file of `schema`.

        Raises:
            ConfigError: The format has no way to hold a column exactly; the message names it.
        """
        ...

    def relabel(self, file: Path, schema: pa.Schema) -> bool:
        """Give a finished file the metadata of the fields of `schema`, which is its own otherwise.

        Returns:
            False where that takes writing its records again.
        """
        ...
