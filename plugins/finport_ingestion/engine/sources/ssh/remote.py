"""The files of one SFTP session, for callers that know no event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import asyncssh

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import SourceItemChanged, SourceItemMissing
from finport_ingestion.engine.network.runner import iterate, run
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.files.choice import FoundFile
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.patterns import PathPattern
from finport_ingestion.engine.sources.ssh.errors import told_in_our_errors
from finport_ingestion.engine.sources.ssh.files import Folder, Patience, blocks, modified_at
from finport_ingestion.engine.sources.ssh.host_keys import refuse_off_switches
from finport_ingestion.engine.sources.ssh.session import SftpSession, begun

_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFiles:
    """A session and its folder."""

    session: SftpSession
    folder: Folder
    source: str  # the document's name, for messages

    @staticmethod
    def begun(access: Access, connection: ConnectionSpec, path: str) -> RemoteFiles:
        """Log in and go to the folder. Raises as the protocol of sources says."""
        refuse_off_switches(connection, source=access.source)
        session = begun(access, connection, host=str(connection.host), port=connection.port or _PORT)
        patience = Patience(seconds=lambda: access.deadline.bound(access.request_timeout_seconds))
        try:
            folder = run(Folder.at(session.client, path, patience=patience, source=access.source))
        except BaseException:
            session.close()
            raise
        return RemoteFiles(session=session, folder=folder, source=access.source)

    def is_usable(self) -> bool:
        """See Session."""
        return self.session.is_usable()

    def close(self) -> None:
        """See Session."""
        self.session.close()

    def look(self) -> None:
        """See whether the folder can be listed."""
        run(self.folder.found(PathPattern("")))

    def found(self, pattern: PathPattern) -> list[FoundFile]:
        """The files, whether they match or not; folders that the pattern does not lead to are not entered."""
        return run(self.folder.found(pattern))

    def first_bytes(self, path: str, at_most: int) -> bytes:
        """Of a small file. Raises SourceItemMissing."""
        return run(self._first_bytes(path, at_most))

    @contextmanager
    def opened(self, item: SourceItem) -> Iterator[RemoteFile]:
        """The item's file, which is the version that was listed.

        Raises:
            SourceItemChanged: It is another one.
            SourceItemMissing: It is gone.
        """
        file = run(self._opened(item.id))
        remote = RemoteFile(item=item, file=file, files=self)
        try:
            run(remote.compare(file.stat()))
            yield remote
        finally:
            # Not waited for: the server may be the reason why the block ended.
            if self.is_usable():
                self.session.loop.call_soon_threadsafe(lambda: self.session.loop.create_task(_close(file)))

    async def _opened(self, path: str) -> asyncssh.SFTPClientFile:
        with told_in_our_errors(self.what(path)):
            # Both at a time: small files are a matter of how often one has to wait.
            opening = self.session.client.open(self.folder.place(path), "rb", encoding=None, block_size=0)
            is_inside, file = await asyncio.gather(self.folder.is_inside(path), self.folder.patience.wait(opening))
            if not is_inside:
                raise SourceItemMissing(
                    f"{self.what(path)} is not in {self.folder.root}.", hint="check links in the folder"
                )
            return file

    async def _first_bytes(self, path: str, at_most: int) -> bytes:
        file = await self._opened(path)
        with told_in_our_errors(self.what(path)):
            content = await self.folder.patience.wait(file.read(at_most, 0))
            await _close(file)
        return cast("bytes", content)

    def what(self, path: str) -> str:
        """Source and file, for messages."""
        return f"{self.source}: {path}"


async def _close(file: asyncssh.SFTPClientFile) -> None:
    try:
        await file.close()
    except (asyncssh.Error, OSError):
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """An open file."""

    item: SourceItem
    file: asyncssh.SFTPClientFile
    files: RemoteFiles

    @property
    def size_bytes(self) -> int:
        """As it was listed, and is."""
        return self.item.size_bytes or 0

    def blocks(self, start: int, stop: int, *, ahead: int) -> Generator[bytes, None, None]:
        """The bytes from `start` up to `stop`, in order; at most `ahead` blocks wait to be taken."""
        patience, client = self.files.folder.patience, self.files.session.client
        reading = partial(blocks, self.file, client, start=start, stop=stop, patience=patience)
        with told_in_our_errors(self.files.what(self.item.id)):
            yield from iterate(reading, ahead=ahead)

    async def compare(self, asked: Awaitable[asyncssh.SFTPAttrs]) -> None:
        """Raise SourceItemChanged where size and time are not those that were listed."""
        with told_in_our_errors(self.files.what(self.item.id)):
            now = await self.files.folder.patience.wait(asked)
        if (now.size, modified_at(now)) != (self.item.size_bytes, self.item.modified_at):
            raise SourceItemChanged(
                f"{self.files.what(self.item.id)} changed after it was listed ({self.item.size_bytes} bytes then,"
                f" {now.size} now).",
                hint="state 'settle' or 'lookAgain' in the source if its files are still written when a run begins",
            )

    def check_unchanged(self) -> None:
        """Raise SourceItemChanged if the file, by its name, is not any more what was listed."""
        place = self.files.folder.place(self.item.id)
        run(self.compare(self.files.session.client.stat(place)))
