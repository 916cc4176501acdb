"""What a container does: give the files inside, one after the other, as streams that are verified at their end.

A container is one class without options, made as `Class()`, that fits Container. Whether bytes are one is told by the
bytes alone. What is inside may be a container again: unpack.py goes on from there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, cast

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.errors import FormatError, StorageUnavailable
from finport_ingestion.engine.limits import ReadLimits

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 65_536
_FREE_BYTES = 64 << 20
"""So much may come out of a small file whatever its ratio: it harms nobody."""


class Scratch:
    """A temporary folder that is made when the first file is wanted: most deliveries need none."""

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def new_path(self) -> Path:
        """Where there is no file yet; its name has nothing of any member's.

        A file that is there, if only an empty one, would be written to the disk as soon as it is closed: ext4 does so
        with files that were truncated.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="finport-", dir=self._parent)
        self._count += 1
        return Path(self._folder.name) / f"unpacked-{self._count:05d}"

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()


class Readable(Protocol):
    """A stream of bytes; an empty answer is its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file inside. Its stream is good until the next one is asked for, and raises FormatError where it is damaged."""

    name: str  # path in the archive, with `/`; of a compressed file its name without the ending
    stream: Readable


@dataclass(slots=True, kw_only=True)
class Opening:
    """What the containers of one delivery share."""

    uri: str
    packed_bytes: int
    limits: ReadLimits
    password: Callable[[], str | None]
    scratch: Scratch
    key_id: str | None = None
    peeking: bool = False  # only the beginning is looked at, and it may be all that there is
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    members: int = 0
    unpacked: dict[int, int] = field(default_factory=dict)  # bytes, by depth

    @property
    def most_bytes(self) -> int:
        return min(self.limits.unpacked_bytes, max(_FREE_BYTES, self.limits.unpack_ratio * self.packed_bytes))

    def count_member(self) -> None:
        """Raise FormatError where there are more than the limit."""
        self.members += 1
        if self.members > self.limits.archive_members:
            raise FormatError(
                f"{self.uri}: more than {self.limits.archive_members} files inside.",
                hint="raise 'archiveMembers' of the policy's 'reading' if that many are meant",
            )

    def count_bytes(self, size: int, *, depth: int) -> None:
        """Raise FormatError where more comes out than the limits allow."""
        total = self.unpacked[depth] = self.unpacked.get(depth, 0) + size
        if total > self.most_bytes:
            self.refuse_size(total)

    def refuse_size(self, total: int) -> None:
        """Raise FormatError for `total` unpacked bytes."""
        limit = "unpackRatio" if self.most_bytes < self.limits.unpacked_bytes else "unpackedBytes"
        raise FormatError(
            f"{self.uri}: its {self.packed_bytes} bytes unpack to {total} or more; the limit is {self.most_bytes}.",
            hint=f"if the sender is trusted, raise '{limit}' of the policy's 'reading'",
        )


class Packed:
    """Bytes that may be a container: read once from the first one on, after a look at their beginning."""

    def __init__(
        self, stream: Readable, *, name: str, uri: str, scratch: Scratch, origin: RawFile | None = None
    ) -> None:
        self.name = name
        self.uri = uri  # for messages
        self.origin = origin  # where the bytes are the delivered file itself
        self.spooled: Path | None = None
        self._stream = stream
        self._scratch = scratch
        self._head: bytes | None = None
        self._begun = b""  # of the head, not read yet
        self._late: FormatError | None = None  # raised behind the head
        self._file: BinaryIO | None = None

    @property
    def head(self) -> bytes:
        """Up to 64 kB of the beginning; what is damaged behind them does not show."""
        if self._head is None:
            self._head, self._late = _beginning(self._stream)
            self._begun = self._head
        return self._head

    def read(self, size: int, /) -> bytes:
        if self._begun:
            taken, self._begun = self._begun[:size], self._begun[size:]
            return taken
        if self._late is not None:
            raise self._late
        return self._stream.read(size)

    def file(self) -> BinaryIO:
        """The same bytes as a file that can be sought, at its beginning; the caller closes it."""
        if self.origin is not None:
            return self.origin.open()
        if self.spooled is None:
            self._spool()
        return cast("Path", self.spooled).open("rb")

    def kept(self) -> Path | None:
        """The file that the bytes were spooled to, if they were, which is the caller's from now on."""
        path, self.spooled = self.spooled, None
        return path

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self.spooled is not None:
            self.spooled.unlink(missing_ok=True)

    def _spool(self) -> None:
        path = self._scratch.new_path()
        self.spooled = path
        write_all(self, path)
        self._stream = self._file = path.open("rb")


class Container(Protocol):
    """One kind of compression, archive or encryption."""

    name: str
    suffixes: tuple[str, ...]
    """Endings that are left out of the name of what is inside."""

    def opens(self, packed: Packed, opening: Opening) -> bool:
        """Whether the bytes are such a container, and no format of its own that is built like one."""
        ...

    def members(self, packed: Packed, opening: Opening) -> Generator[Member]:
        """The files inside, in order. All of `packed` has been read and verified when the iterator ends.

        Raises:
            FormatError: It is damaged, cut or hostile.
            AccessDenied: The password or key is missing or wrong.
        """
        ...


def write_all(stream: Readable, path: Path) -> int:
    """Write what is left of `stream` to `path`; the number of bytes.

    Raises:
        StorageUnavailable: The disk is full.
    """
    first = stream.read(CHUNK_BYTES)
    second = stream.read(CHUNK_BYTES) if first else b""
    with path.open("wb", buffering=0) as target:
        if not second:
            return _write(target, first, path)
        # Unpacking and writing take about as long as each other, and neither holds the interpreter.
        with ThreadPoolExecutor(1) as writer:
            writes = [writer.submit(_write, target, chunk, path) for chunk in (first, second)]
            size = 0
            while chunk := stream.read(CHUNK_BYTES):
                size += writes.pop(0).result()
                writes.append(writer.submit(_write, target, chunk, path))
            return size + sum(write.result() for write in writes)


def _write(target: RawIOBase, content: bytes, path: Path) -> int:
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[target.write(rest) :]
    except OSError as error:
        raise StorageUnavailable(
            f"{path.parent} cannot be written while a file is unpacked: {error.strerror}.",
            hint="free space there, or let TMPDIR name another folder",
        ) from error
    return len(content)


def name_inside(name: str, suffixes: tuple[str, ...]) -> str:
    """What a compressed or encrypted file is called without its ending: `a.csv.gz` is `a.csv`, `a.tgz` is `a.tar`."""
    plain = PurePosixPath(name)
    ending = plain.suffix.lower()
    if ending not in suffixes or not plain.stem:
        return name
    return plain.stem + (".tar" if ending.startswith(".t") and len(ending) > 2 and ending != ".tar" else "")


def _beginning(stream: Readable) -> tuple[bytes, FormatError | None]:
    """The first bytes, and the error that ended them, if one did: it is raised when the reader gets there."""
    taken: list[bytes] = []
    size = 0
    try:
        while size < HEAD_BYTES and (chunk := stream.read(HEAD_BYTES - size)):
            taken.append(chunk)
            size += len(chunk)
    except FormatError as error:
        return b"".join(taken), error
    return b"".join(taken), None
