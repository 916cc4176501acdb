"""A file of this machine that is being landed: filled from any thread, taken up again by the next try, then renamed."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from isal import isal_zlib

from finport_ingestion.engine.collect.checksums import Digests
from finport_ingestion.engine.collect.coverage import Coverage
from finport_ingestion.engine.collect.journal import Extent, Journal, Landed, Told, line
from finport_ingestion.engine.errors import StorageUnavailable
from finport_ingestion.engine.files import disk_errors, sync_folder

_CHUNK_BYTES = 1 << 20


class Partial:
    """Made by `opened`. The journal beside it says what is there; what an earlier try left was read and compared."""

    def __init__(self, path: Path, *, file: int, lines: int) -> None:
        self._path = path
        self._file = file  # descriptors: they are written to at offsets, from several threads
        self._lines = lines
        self._lock = threading.Lock()
        self._there = Coverage()
        self.told: Told | None = None

    @staticmethod
    @contextmanager
    def opened(folder: Path, name: str, *, version: str | None) -> Iterator[Partial]:
        """The partial file `name`, with what earlier tries of this run left of the same version.

        Args:
            version: Of the item, see `version_of`; without one, nothing of an earlier try is used.

        Raises:
            StorageUnavailable: It cannot be written, or another process is at it.
        """
        path = _partial_path(folder, name)
        with _disk_errors(path):
            folder.mkdir(parents=True, exist_ok=True)
            lines = os.open(_journal_path(folder, name), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _lock(lines, path)
            with _disk_errors(path):
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                partial = Partial(path, file=file, lines=lines)
                partial._take_up(version)
                yield partial
            finally:
                os.close(file)
        finally:
            os.close(lines)

    def say(self, told: Told) -> None:
        """Keep what the source said with the first bytes."""
        with self._lock:
            if self.told is None:
                self.told = told
                self._append(line("told", asdict(told)))

    def missing(self, size_bytes: int, *, at_most: int) -> list[tuple[int, int]]:
        """What is not there of so many bytes, in ranges of at most so many."""
        with self._lock:
            return self._there.missing(size_bytes, at_most=at_most)

    def frontier(self) -> int:
        """How many bytes are there from the first on."""
        with self._lock:
            return self._there.frontier()

    @contextmanager
    def writing(self, start: int) -> Iterator[Run]:
        """Write from `start` on; what was written is recorded however the block ends."""
        run = Run(self, start)
        try:
            yield run
        finally:
            run.record()

    def write(self, content: bytes, at: int) -> None:
        """Put bytes to their place."""
        rest = memoryview(content)
        with _disk_errors(self._path):
            while rest:
                written = os.pwrite(self._file, rest, at)
                rest, at = rest[written:], at + written

    def record(self, extent: Extent) -> None:
        """These bytes are there now."""
        with self._lock:
            self._append(line("extent", (extent.start, extent.stop, extent.crc32)))
            self._there.add(extent.start, extent.stop)

    def hash_up_to(self, stop: int, digests: Digests) -> None:
        """Give the bytes up to `stop`, from where the digests are, to the digests."""
        while digests.size_bytes < stop:
            with _disk_errors(self._path):
                content = os.pread(self._file, min(_CHUNK_BYTES, stop - digests.size_bytes), digests.size_bytes)
            if not content:
                raise StorageUnavailable(f"{self._path} lost its end.", hint="check the disk")
            digests.update(content)

    def finish(self, name: str, digests: Digests) -> None:
        """Give the file its name, whole and on the disk."""
        landed = Landed(name=name, size_bytes=digests.size_bytes, sha256=digests.sha256)
        with _disk_errors(self._path):
            os.ftruncate(self._file, landed.size_bytes)
            os.fsync(self._file)
            self._append(line("landed", asdict(landed)))
            self._path.replace(self._path.with_name(name))
            sync_folder(self._path.parent)

    def discard(self) -> None:
        """Forget all of it."""
        with _disk_errors(self._path):
            self._path.unlink(missing_ok=True)
            os.ftruncate(self._lines, 0)

    def _take_up(self, version: str | None) -> None:
        with _disk_errors(self._path):
            found = Journal.read(_content_of(self._lines))
            os.ftruncate(self._lines, 0)
            if version is None or found.version != version:
                os.ftruncate(self._file, 0)
                found = Journal()
            self._append(line("version", version))
        if found.told:
            self.say(found.told)
        for extent in found.extents:
            if self._crc32(extent) == extent.crc32:
                self.record(extent)

    def _crc32(self, extent: Extent) -> int | None:
        """Of the bytes that are there; None where they are fewer."""
        crc32, at = 0, extent.start
        with _disk_errors(self._path):
            while at < extent.stop:
                content = os.pread(self._file, min(_CHUNK_BYTES, extent.stop - at), at)
                if not content:
                    return None
                crc32, at = isal_zlib.crc32(content, crc32), at + len(content)
        return crc32

    def _append(self, written: bytes) -> None:
        with _disk_errors(self._path):
            os.write(self._lines, written)


class Run:
    """Bytes one after the other; the journal is told of each megabyte."""

    def __init__(self, partial: Partial, start: int) -> None:
        self._partial = partial
        self._recorded = self.reached = start
        self._crc32 = 0

    def write(self, content: bytes) -> None:
        """The next bytes."""
        self._partial.write(content, self.reached)
        self._crc32 = isal_zlib.crc32(content, self._crc32)
        self.reached += len(content)
        if self.reached - self._recorded >= _CHUNK_BYTES:
            self.record()

    def record(self) -> None:
        """Tell the journal of what it does not know yet."""
        if self.reached > self._recorded:
            self._partial.record(Extent(self._recorded, self.reached, self._crc32))
        self._recorded, self._crc32 = self.reached, 0


def landed_before(folder: Path, name: str, *, version: str | None) -> tuple[Landed, Told] | None:
    """What an earlier try of this run landed of the same version, if it is there and still has its SHA-256."""
    try:
        journal = Journal.read(_journal_path(folder, name).read_bytes())
        landed = journal.landed
        if version is None or journal.version != version or landed is None:
            return None
        digests = Digests()
        with (folder / landed.name).open("rb") as file:
            while content := file.read(_CHUNK_BYTES):
                digests.update(content)
    except OSError:
        # There is none; what else is wrong there, the next write says.
        return None
    same = (digests.size_bytes, digests.sha256) == (landed.size_bytes, landed.sha256)
    return (landed, journal.told or Told()) if same else None


def _partial_path(folder: Path, name: str) -> Path:
    return folder / f".{name}.partial"


def _journal_path(folder: Path, name: str) -> Path:
    return folder / f".{name}.journal"


def _content_of(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _lock(descriptor: int, path: Path) -> None:
    """Until the descriptor is closed, however its process ends."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StorageUnavailable(
            f"{path} is being written by another process.", hint="let it end: it does the same work"
        ) from error
    except OSError:
        # A file system without locks; Airflow does not run one try beside another.
        return


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        with disk_errors(path):
            yield
    except OSError as error:
        raise StorageUnavailable(
            f"{path} cannot be written: {error.strerror}.", hint="check the disk; give the worker's user write access"
        ) from error
