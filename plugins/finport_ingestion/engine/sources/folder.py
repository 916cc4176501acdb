"""Files of a folder that this machine sees.

```yaml
source:
  protocol: file
  connection: vendor_drop   # its extra `path` is the folder
  pattern: "*.csv"
```
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Literal

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.files.checksums import MOST_BYTES, with_checksums
from finport_ingestion.engine.sources.files.choice import FoundFile, chosen
from finport_ingestion.engine.sources.files.names import suffix_of
from finport_ingestion.engine.sources.files.options import FileSetOptions
from finport_ingestion.engine.sources.files.settling import at_rest
from finport_ingestion.engine.sources.files.streams import bounded
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.patterns import PathPattern

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileOptions(FileSetOptions):
    """A folder that this machine sees."""

    protocol: Literal["file"]


class FolderSource:
    """See the module. An item is a file, its id the path below the folder, with `/`."""

    Options = FileOptions

    def __init__(self, options: FileOptions, access: Access) -> None:
        """Looks at nothing yet.

        Raises:
            ConfigError: Neither document nor connection names a folder, or the one leaves that of the other.
        """
        self._options = options
        self._access = access
        self._folder = _folder(options, access)
        self._pattern = PathPattern(options.pattern)

    def check(self) -> str:
        """List the folder's first entry. Raises as the protocol of sources says."""
        with self._told(self._folder), os.scandir(self._folder) as entries:
            next(entries, None)
        return f"{self._access.source}: folder {self._folder} can be read."

    def replaces(self, after: Watermark | None) -> Replaces:
        """A file stands in for its earlier delivery; what lies behind a watermark in it comes on top."""
        return Replaces.ITEMS if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The finished files that match, by id. The watermark selects rows, not files: it is not used here."""
        options, source, deadline = self._options, self._access.source, self._access.deadline
        found = at_rest(self._look, options, deadline=deadline, source=source)
        items = chosen(found, options, now=deadline.clock.now(), ranges=1, source=source)
        yield from with_checksums(items, options, read=self._first_bytes, source=source)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """The file, in one delivery.

        Raises:
            SourceItemChanged: It is not what was listed, or changed while it was read.
            SourceItemMissing: It is gone.
        """
        path = self._folder / item.id
        with self._told(path):
            if not path.resolve(strict=True).is_relative_to(self._folder.resolve()):
                raise SourceItemMissing(
                    f"{self._access.source}: {item.id} is not in {self._folder}.", hint="check links in the folder"
                )
            with path.open("rb") as file:
                self._check_unchanged(item, os.fstat(file.fileno()))
                yield _delivery(file, item, span)
            # By its name, not by the open file: a writer may have put another file in its place.
            self._check_unchanged(item, path.stat())

    def _look(self) -> list[FoundFile]:
        with self._told(self._folder):
            root = self._folder.resolve(strict=True)
            return [
                FoundFile(path=name, size_bytes=status.st_size, modified_at=_modified_at(status))
                for name, status in self._files(root, "")
            ]

    def _first_bytes(self, path: str) -> bytes:
        with self._told(self._folder / path), (self._folder / path).open("rb") as file:
            return file.read(MOST_BYTES)

    def _files(self, folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = f"{prefix}{entry.name}"
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if self._pattern.descends(name):
                        yield from self._files(Path(entry.path), f"{name}/")
                else:
                    yield from self._file(entry, name)

    def _file(self, entry: os.DirEntry[str], name: str) -> Iterator[tuple[str, os.stat_result]]:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(self._folder.resolve()):
            log.warning("%s: %s is a link that leads out of the folder; it is left out", self._access.source, name)
            return
        try:
            status = entry.stat()
        except FileNotFoundError:
            # Taken away since the folder was listed, or a link to nothing.
            return
        if stat.S_ISREG(status.st_mode):
            yield name, status

    def _check_unchanged(self, item: SourceItem, status: os.stat_result) -> None:
        if (item.size_bytes, item.modified_at) != (status.st_size, _modified_at(status)):
            raise SourceItemChanged(
                f"{self._access.source}: {item.id} changed after it was listed ({item.size_bytes} bytes then,"
                f" {status.st_size} now).",
                hint="state 'settle' in the source if its files are still written when a run begins",
            )

    @contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        """Turn the file system's errors into ours."""
        source = self._access.source
        try:
            yield
        except FileNotFoundError as error:
            if path == self._folder:
                raise SourceUnavailable(
                    f"{source}: there is no folder {path}.", hint="check the path, and whether its volume is mounted"
                ) from error
            raise SourceItemMissing(f"{source}: there is no file {path} any more.", hint="run again") from error
        except NotADirectoryError as error:
            raise ConfigError(f"{source}: {path} is no folder.", hint="name the folder that holds it") from error
        except PermissionError as error:
            raise AccessDenied(
                f"{source}: {error.filename or path} cannot be read: {error.strerror}.",
                hint="give the worker's user the right to read it",
            ) from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ConfigError(f"{source}: links lead in a circle at {path}.", hint="remove the link") from error
            raise SourceUnavailable(
                f"{source}: {path} cannot be read: {error.strerror}.", hint="check the volume"
            ) from error


def _folder(options: FileOptions, access: Access) -> Path:
    root = access.connection.extra.get("path") if access.connection else None
    if access.connection and not root:
        raise ConfigError(
            f"{access.source}: connection '{access.connection.id}' names no folder.",
            hint="put the folder into its extra, as 'path'",
        )
    folder = Path(root or "", options.path or "")
    if not folder.is_absolute():
        raise ConfigError(
            f"{access.source}: no absolute path of a folder.",
            hint="state the folder in the connection's extra as 'path', or in the source with ${FINPORT_PROJECT}/...",
        )
    if root and not Path(os.path.normpath(folder)).is_relative_to(os.path.normpath(root)):
        raise ConfigError(
            f"{access.source}: path '{options.path}' leaves the connection's folder {root}.",
            hint="name a folder below it",
        )
    return folder


def _modified_at(status: os.stat_result) -> datetime:
    return _EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000)


def _delivery(file: BinaryIO, item: SourceItem, span: Span | None) -> Delivery:
    if span is None:
        return Delivery(stream=file, suffix=suffix_of(item.id), size_bytes=item.size_bytes)
    stop = os.fstat(file.fileno()).st_size if span.stop is None else span.stop
    file.seek(span.start)
    return Delivery(stream=bounded(file, stop - span.start), suffix=suffix_of(item.id), size_bytes=stop - span.start)
