"""Native readers in a process of their own: what crashes, hangs or takes all memory there is a finding about a file.

One child is started when the first file needs it, and stays for the files that follow. It gets its file's path and its
reader's options, and gives batches back in order, never more than two ahead. A child that did not end a file well is
ended, and the next file gets a new one. Children end with their parent, and see none of its environment but what a
library needs to start.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from finport_ingestion.engine.convert.interface import Batch, RawFile, Reader
from finport_ingestion.engine.convert.reading_child import Child, DiedIdle

_RAW = ("uri", "size_bytes", "may_be_empty", "name")
_FILES_PER_CHILD = 20_000  # what leaks in a native library is bounded


def isolated(reader: Any) -> Reader:
    """`reader`, but its files are read by another process.

    Args:
        reader: A Reader; its class is found by its module and name, and made with its `options`.
    """
    return IsolatedReader(reader)


class IsolatedReader:
    """The same reader to whoever uses it; a crash of the library is a FormatError."""

    isolated = False  # it needs no other process any more

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.options = reader.options
        self.typed, self.whole_file, self.main_table = reader.typed, reader.whole_file, reader.main_table

    def read(self, raw: RawFile) -> Iterator[Batch]:
        return self._batches(raw, sample_bytes=None)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self._batches(raw, sample_bytes=size_bytes)

    def _batches(self, raw: RawFile, *, sample_bytes: int | None) -> Iterator[Batch]:
        plugin = type(self._reader)
        with raw.local() as path:
            request = {
                "do": "open",
                "reader": f"{plugin.__module__}:{plugin.__qualname__}",
                "options": self.options.model_dump(mode="json", by_alias=True),
                "path": str(path.absolute()),
                "raw": {key: getattr(raw, key) for key in _RAW},
                "limits": raw.limits.model_dump(mode="json", by_alias=True),
                "sample_bytes": sample_bytes,
            }
            while True:
                with _CHILDREN.borrowed() as child, contextlib.suppress(DiedIdle):
                    yield from child.read(request, raw=raw, name=self.options.format)
                    return


class Children:
    """The children of this process that wait for a file."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a fork of the process: the children are another's."""
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._nursery: ThreadPoolExecutor | None = None

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Child]:
        """A child for one file; it is kept for the next one where the file ended well."""
        child = self._take()
        try:
            yield child
        finally:
            self._give_back(child)

    def end_all(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _take(self) -> Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
                if self._nursery is None:
                    self._nursery = ThreadPoolExecutor(1, thread_name_prefix="children")
            if child is None:
                # Linux ends a child with the thread that started it: this one lives as long as the process.
                return self._nursery.submit(Child).result()
            if child.alive:
                return child
            child.end()

    def _give_back(self, child: Child) -> None:
        keep = child.usable and child.alive and child.files < _FILES_PER_CHILD
        with self._lock:
            if keep and len(self._idle) < (os.cpu_count() or 1):
                self._idle.append(child)
                return
        child.end()


_CHILDREN = Children()
os.register_at_fork(after_in_child=_CHILDREN.forget)
