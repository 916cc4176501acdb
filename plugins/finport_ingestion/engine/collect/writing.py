"""Files that are written in order, wherever the landing area is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from upath import UPath

from finport_ingestion.engine.files import local_path, write_atomically


@contextmanager
def whole_or_absent(path: UPath) -> Iterator[BinaryIO]:
    """Open `path` for writing; it is there when the block ends well, and not at all otherwise.

    Raises:
        StorageUnavailable: The disk is full or the place cannot be written.
    """
    try:
        with write_atomically(path) as file:
            yield file
    except BaseException:
        # What an object store has taken so far it keeps as if it were all: closing a file is how it is finished.
        if local_path(path) is None:
            path.unlink(missing_ok=True)
        raise
