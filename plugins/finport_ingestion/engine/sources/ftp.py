"""Files of an FTP server: over TLS (FTPS with AUTH TLS), or without where the document allows it.

```yaml
source:
  protocol: ftp
  connection: exchange_files   # an ftp connection: host, login, password
  path: pub/daily
  pattern: "settlements_*.csv"
  lookAgain: 30s
```

The connection is one of Airflow's ftp connections: host, port, login and password; without a login, anonymous. Its
extra may hold `path`, the folder that documents cannot leave, and `ca_file`. Data come from the address of the
commands, over the same TLS session, whatever address the server names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.files.checksums import MOST_BYTES, with_checksums
from finport_ingestion.engine.sources.files.choice import FoundFile, chosen
from finport_ingestion.engine.sources.files.names import suffix_of
from finport_ingestion.engine.sources.files.options import FileSetOptions
from finport_ingestion.engine.sources.files.place import connection_of, folder_of
from finport_ingestion.engine.sources.files.sessions import Sessions
from finport_ingestion.engine.sources.files.settling import at_rest
from finport_ingestion.engine.sources.files.streams import joined
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.patterns import PathPattern

if TYPE_CHECKING:
    from finport_ingestion.engine.sources.ftp_session.session import FtpSession


class FtpOptions(FileSetOptions):
    """Files of an FTP server."""

    protocol: Literal["ftp"]
    tls: Literal["explicit", "none"] = Field(
        default="explicit",
        description="`explicit`: AUTH TLS, for commands and data. `none` needs security.allowPlaintext.",
    )


class FtpSource:
    """See the module. An item is a file, its id the path below the folder, with `/`.

    One session serves one item after the other; several at a time have one each.
    """

    Options = FtpOptions

    def __init__(self, options: FtpOptions, access: Access) -> None:
        """Contacts nobody yet.

        Raises:
            ConfigError: No connection with a host, or a path that leaves the connection's folder.
        """
        self._options = options
        self._access = access
        self._connection = connection_of(access, "ftp")
        self._path = folder_of(options, self._connection, access.source)
        self._sessions = Sessions(_beginning(access, self._connection, self._path, options), access)

    def check(self) -> str:
        """Log in and look at the folder. Raises as the protocol of sources says."""
        with self._sessions.lent() as session:
            session.look()
        how = "over TLS" if self._options.tls == "explicit" else "without TLS"
        host = self._connection.host
        return f"{self._access.source}: logged in by FTP {how} at {host}, and folder '{self._path}' can be read."

    def replaces(self, after: Watermark | None) -> Replaces:
        """A file stands in for its earlier delivery; what lies behind a watermark in it comes on top."""
        return Replaces.ITEMS if after is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The finished files that match, by id. The watermark selects rows, not files: it is not used here."""
        options, source, deadline = self._options, self._access.source, self._access.deadline
        found = at_rest(self._look, options, deadline=deadline, source=source)
        with self._sessions.lent() as session:
            ranges = session.ranges
        items = chosen(found, options, now=deadline.clock.now(), ranges=ranges, source=source)
        yield from with_checksums(items, options, read=self._first_bytes, source=source)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """The file, in one delivery.

        Raises:
            SourceItemChanged: It is not what was listed, or changed while it was read.
            SourceItemMissing: It is gone.
        """
        start, stop = (0, item.size_bytes) if span is None else (span.start, span.stop or item.size_bytes)
        size = None if stop is None else stop - start
        with self._sessions.lent() as session:
            session.check_unchanged(item)
            with closing(session.blocks(item.id, start, stop)) as blocks:
                yield Delivery(stream=joined(blocks), suffix=suffix_of(item.id), size_bytes=size)
                # Has the server's last word be read, where only that is left.
                next(blocks, None)
        with self._sessions.lent() as session:
            session.check_unchanged(item)

    def _look(self) -> list[FoundFile]:
        pattern = self._options.pattern
        with self._sessions.lent() as session:
            return session.found(PathPattern(pattern), has_folders="/" in pattern or "**" in pattern)

    def _first_bytes(self, path: str) -> bytes:
        with self._sessions.lent() as session:
            return session.first_bytes(path, MOST_BYTES)


def _beginning(access: Access, connection: ConnectionSpec, path: str, options: FtpOptions) -> Callable[[], FtpSession]:
    """How a session begins; it knows nothing of the source, which may be forgotten before its sessions are."""

    def begin() -> FtpSession:
        from finport_ingestion.engine.sources.ftp_session.session import begun

        return begun(access, connection, path=path, tls=options.tls)

    return begin
