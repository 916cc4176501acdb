"""Files of an SFTP session: found, and read with many requests on their way at a time."""

from __future__ import annotations

import asyncio
import logging
import posixpath
import stat
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import asyncssh

from finport_ingestion.engine.sources.files.choice import FoundFile
from finport_ingestion.engine.sources.patterns import PathPattern
from finport_ingestion.engine.sources.ssh.errors import told_in_our_errors

log = logging.getLogger(__name__)

T = TypeVar("T")

_BLOCK_BYTES = 256 << 10
_SAFE_BLOCK_BYTES = 32 << 10  # what every server serves
_LEAST_BLOCK_BYTES = 4 << 10
_AHEAD_BYTES = 16 << 20  # asked for and not here yet
_MOST_DEPTH = 64
_KINDS = {"-": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one request may take; asked anew for each, since a deadline comes nearer."""

    seconds: Callable[[], float]

    async def wait(self, request: Awaitable[T]) -> T:
        """Its answer. Raises TimeoutError."""
        async with asyncio.timeout(self.seconds()):
            return await request


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of a session, by the path that the server itself gives it."""

    client: asyncssh.SFTPClient
    root: str
    patience: Patience
    source: str  # the document's name, for messages

    @staticmethod
    async def at(client: asyncssh.SFTPClient, path: str, *, patience: Patience, source: str) -> Folder:
        """The folder at `path`, which is below the login's own where it is not absolute."""
        with told_in_our_errors(f"{source}: folder {path}"):
            root = await patience.wait(client.realpath(path))
        return Folder(client=client, root=str(root), patience=patience, source=source)

    async def found(self, pattern: PathPattern) -> list[FoundFile]:
        """All files of it, and of the folders below that the pattern leads to. Links that lead out are left out."""
        with told_in_our_errors(f"{self.source}: folder {self.root}"):
            return [file async for file in self._below("", pattern, 0)]

    async def _below(self, prefix: str, pattern: PathPattern, depth: int) -> AsyncIterator[FoundFile]:
        async for entry in self._entries(prefix):
            name = str(entry.filename)
            path = f"{prefix}{name}"
            if name.startswith(".") or "/" in name:
                continue
            kind = _kind(entry)
            if kind == stat.S_IFDIR and pattern.descends(path) and depth < _MOST_DEPTH:
                async for file in self._below(f"{path}/", pattern, depth + 1):
                    yield file
            elif kind == stat.S_IFREG:
                yield _found(path, entry.attrs)
            elif kind == stat.S_IFLNK and (target := await self._behind(path)):
                yield target

    async def _entries(self, prefix: str) -> AsyncIterator[asyncssh.SFTPName]:
        """One after the other, since a folder may hold more than a server lists in the time of one request."""
        entries = aiter(self.client.scandir(self.place(prefix)))
        try:
            while True:
                yield await self.patience.wait(anext(entries))
        except StopAsyncIteration:
            return
        except asyncssh.SFTPNoSuchFile:
            # Taken away since the folder above it was listed.
            if not prefix:
                raise

    async def _behind(self, path: str) -> FoundFile | None:
        """The file that a link leads to."""
        try:
            if not await self.is_inside(path):
                log.warning("%s: %s is a link that leads out of the folder; it is left out", self.source, path)
                return None
            attributes = await self.patience.wait(self.client.stat(self.place(path)))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure):
            # Taken away since the folder was listed, or a link to nothing or to itself.
            return None
        return _found(path, attributes) if stat.S_ISREG(attributes.permissions or 0) else None

    async def is_inside(self, path: str) -> bool:
        """Whether a path below the folder leads to a file below it, links followed."""
        real = str(await self.patience.wait(self.client.realpath(self.place(path))))
        return real.startswith(f"{self.root.rstrip('/')}/")

    def place(self, path: str) -> str:
        """A path below the folder as the server knows it."""
        return posixpath.join(self.root, path)


async def blocks(
    file: asyncssh.SFTPClientFile, client: asyncssh.SFTPClient, *, start: int, stop: int, patience: Patience
) -> AsyncIterator[bytes]:
    """The bytes from `start` up to `stop`, in order; fewer where the file ends before.

    Answers come in order, since the server works in order; a short one is asked for again at its end.
    """
    at_most = max(_SAFE_BLOCK_BYTES, min(client.limits.max_read_len, _BLOCK_BYTES))
    waiting: deque[tuple[int, asyncio.Future[bytes]]] = deque()
    asked = start
    try:
        while asked < stop or waiting:
            while asked < stop and len(waiting) * at_most < _AHEAD_BYTES:
                size = min(at_most, stop - asked)
                waiting.append((size, asyncio.ensure_future(file.read(size, asked))))
                asked += size
            size, answer = waiting.popleft()
            block = await patience.wait(answer)
            if not block:
                return
            yield block
            start += len(block)
            if len(block) < size:
                # The most that this server gives at a time, or the end of the file.
                at_most, asked = max(len(block), _LEAST_BLOCK_BYTES), start
                _forget(waiting)
    finally:
        _forget(waiting)


def _forget(waiting: deque[tuple[int, asyncio.Future[bytes]]]) -> None:
    for _, answer in waiting:
        if not answer.cancel() and not answer.cancelled():
            answer.exception()  # looked at, or asyncio would log it as lost
    waiting.clear()


def _kind(entry: asyncssh.SFTPName) -> int:
    """As stat has it; of servers that state no permissions, as their listing for people says."""
    if entry.attrs.permissions is not None:
        return stat.S_IFMT(entry.attrs.permissions)
    return _KINDS.get(str(entry.longname or "")[:1], 0)


def _found(path: str, attributes: asyncssh.SFTPAttrs) -> FoundFile:
    return FoundFile(path=path, size_bytes=attributes.size, modified_at=modified_at(attributes))


def modified_at(attributes: asyncssh.SFTPAttrs) -> datetime | None:
    """Whole seconds: this version of the protocol has no more."""
    return None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, UTC)
