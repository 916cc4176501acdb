"""Files of any file system that fsspec knows and no protocol of ours reads: WebHDFS, SMB, GitHub, an archive on one.

```yaml
source:
  protocol: fsspec
  connection: lake               # its extra `storage_options` holds what that file system's client takes
  url: webhdfs://namenode.example.com:9871/prices
  pattern: "**/*.parquet"
overrides:
  security:
    allowPrivateNetwork: true
    minTls: "1.2"
    minTlsReason: the client of WebHDFS decides for itself
```

Such a client resolves names, speaks TLS and follows redirects by itself. Addresses cannot be held to those that were
checked, nor TLS to a version: so a network file system wants `allowPrivateNetwork` and `minTls: "1.2"` stated, whether
it needs them or not. Of the requests that it makes, one listing and one opening each count as one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, Literal

from pydantic import Field

from finport_ingestion.engine.errors import ConfigError, SourceItemChanged
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.files.checksums import MOST_BYTES, with_checksums
from finport_ingestion.engine.sources.files.choice import FoundFile, chosen
from finport_ingestion.engine.sources.files.names import suffix_of
from finport_ingestion.engine.sources.files.options import FileSetOptions
from finport_ingestion.engine.sources.files.settling import at_rest
from finport_ingestion.engine.sources.files.streams import joined
from finport_ingestion.engine.sources.foreign.errors import told
from finport_ingestion.engine.sources.foreign.facts import facts_of
from finport_ingestion.engine.sources.foreign.way import ForeignUrl
from finport_ingestion.engine.sources.interface import Access, Delivery, Span

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK_BYTES = 1 << 20


class FsspecOptions(FileSetOptions):
    """Where the files are, as fsspec spells it."""

    protocol: Literal["fsspec"]
    url: str = Field(
        description="The folder, e.g. `smb://server/share/prices`; `zip::webhdfs://...` for what is in an archive.",
        pattern=r"^[A-Za-z0-9_.+:-]+://.*$",
    )
    login_as: str = Field(default="username", description="What that file system's client calls the login.")
    password_as: str = Field(default="password", description="What it calls the password.")


class FsspecSource:
    """See the module. An item is a file, its id the path below the folder."""

    Options = FsspecOptions

    def __init__(self, options: FsspecOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: A protocol of ours reads it, it is of this machine, or a safeguard would be turned off.
            AddressRefused: It is in the network, and `allowPrivateNetwork` is not stated.
        """
        self._options = options
        self._access = access
        self._url = ForeignUrl.of(options.url, access=access)
        self._below = _below(options, access)

    def check(self) -> str:
        """List the folder. Raises as the protocol of sources says."""
        with self._counted(f"{self._access.source}: {self._url.title}"):
            system, root = self._opened()
            system.ls(root, detail=False)
        return f"{self._access.source}: {self._url.title} can be listed."

    def replaces(self, after: Watermark | None) -> Replaces:
        """A file stands in for its earlier delivery; what lies behind a watermark in it comes on top."""
        return Replaces.ITEMS if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The finished files that match, by id. The watermark selects rows, not files: it is not used here."""
        deadline, source = self._access.deadline, self._access.source
        found = at_rest(self._found, self._options, deadline=deadline, source=source)
        # Ranges are of one version where the file system tells versions apart.
        ranges = int(all(file.modified_at or file.etag for file in found))
        items = chosen(found, self._options, now=deadline.clock.now(), ranges=ranges, source=source)
        yield from with_checksums(items, self._options, read=self._beginning, source=source)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """The file, in one delivery.

        Raises:
            SourceItemChanged: It is not what was listed, or changed while it was read. SourceItemMissing: It is gone.
        """
        what = f"{self._access.source}: {item.id} in {self._url.title}"
        start, stop = (span.start, span.stop) if span else (0, None)
        stop = item.size_bytes if stop is None else stop
        with self._counted(what):
            system, root = self._opened()
            path = f"{root}/{item.id}"
            self._check_unchanged(item, system, path, what)
            file = system.open(path, "rb")
        size_bytes = None if stop is None else stop - start
        with file, closing(_blocks(file, start, size_bytes, what=what)) as blocks:
            yield Delivery(
                stream=joined(blocks),
                suffix=suffix_of(item.id),
                size_bytes=size_bytes,
                checksum=item.checksum if span is None else None,
            )
        with told(what):
            self._check_unchanged(item, system, path, what)

    def _found(self) -> Iterator[FoundFile]:
        with self._counted(f"{self._access.source}: listing {self._url.title}"):
            system, root = self._opened()
            system.ls(root, detail=False)  # `find` says nothing of a folder that is not there
            files = system.find(root, detail=True)
        for path, stated in files.items():
            yield facts_of(path.removeprefix(f"{root}/"), stated)

    def _beginning(self, path: str) -> bytes:
        with self._counted(f"{self._access.source}: {path} in {self._url.title}"):
            system, root = self._opened()
            with system.open(f"{root}/{path}", "rb") as file:
                content: bytes = file.read(MOST_BYTES)
        return content

    def _check_unchanged(self, item: SourceItem, system: AbstractFileSystem, path: str, what: str) -> None:
        now = facts_of(item.id, system.info(path))
        if (now.size_bytes, now.modified_at, now.etag) != (item.size_bytes, item.modified_at, item.etag):
            raise SourceItemChanged(
                f"{what}: it changed after it was listed ({item.size_bytes} bytes then, {now.size_bytes} now).",
                hint="state 'settle' in the source if its files are still written when a run begins",
            )

    def _opened(self) -> tuple[AbstractFileSystem, str]:
        system, root = self._url.opened(login_as=self._options.login_as, password_as=self._options.password_as)
        return system, f"{root.rstrip('/')}/{self._below}".rstrip("/")

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        """Something that takes requests: admitted by the gate and reported to it as one."""
        gate, clock = self._access.gate, self._access.deadline.clock
        gate.admit(self._access.deadline)
        began = clock.now()
        with told(what, failed=lambda outcome: gate.report(Answer(outcome=outcome))):
            yield
        gate.report(Answer(outcome="good", seconds=(clock.now() - began).total_seconds()))


def _below(options: FsspecOptions, access: Access) -> str:
    path = (options.path or "").strip("/")
    if ".." in path.split("/"):
        raise ConfigError(f"{access.source}: path '{options.path}' leaves the folder.", hint="name a folder below it")
    return path


def _blocks(file: IO[bytes], start: int, size_bytes: int | None, *, what: str) -> Generator[bytes]:
    """Bytes of a file: at most so many, or all that there are."""
    left = size_bytes
    with told(what):
        if start:
            file.seek(start)
        while left is None or left > 0:
            block = file.read(_BLOCK_BYTES if left is None else min(_BLOCK_BYTES, left))
            if not block:
                return
            left = None if left is None else left - len(block)
            yield block
