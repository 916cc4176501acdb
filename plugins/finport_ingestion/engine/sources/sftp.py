"""Files of an SSH server (SFTP).

```yaml
source:
  protocol: sftp
  connection: custodian   # an sftp or ssh connection; its extra pins the server's key as host_key
  path: outgoing
  pattern: "positions_*.csv"
  settle: 2m
```

The connection is one of Airflow's sftp or ssh connections: host, port, login, and a password or a key. In its extra:

- `host_key`: the server's public key, as `ssh-keyscan` prints it; several, one a line, while it is being changed. Or
  `known_hosts`: a file of them. One of both is needed, and there is no switch to do without. `finport source check`
  shows the key that the server presents, to be compared with what its operator says.
- `private_key` or `key_file`, and `private_key_passphrase`; `certificate` or `certificate_file`, if an authority has
  signed the key.
- `path`: the folder that documents cannot leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal

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
    from finport_ingestion.engine.sources.ssh.remote import RemoteFiles

_BLOCKS_AHEAD = 16


class SftpOptions(FileSetOptions):
    """Files of an SSH server."""

    protocol: Literal["sftp"]


class SftpSource:
    """See the module. An item is a file, its id the path below the folder, with `/`.

    One session serves one item after the other; several at a time have one each.
    """

    Options = SftpOptions

    def __init__(self, options: SftpOptions, access: Access) -> None:
        """Contacts nobody yet.

        Raises:
            ConfigError: No connection with a host, or a path that leaves the connection's folder.
        """
        self._options = options
        self._access = access
        self._connection = connection_of(access, "sftp")
        self._path = folder_of(options, self._connection, access.source)
        self._sessions = Sessions(_beginning(access, self._connection, self._path), access)

    def check(self) -> str:
        """Log in and look at the folder. Raises as the protocol of sources says."""
        with self._sessions.lent() as files:
            files.look()
        who = f"{self._connection.login}@{self._connection.host}"
        return f"{self._access.source}: logged in over SSH as {who}, and folder '{self._path}' can be read."

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
        with self._sessions.lent() as files, files.opened(item) as file:
            start, stop = (0, file.size_bytes) if span is None else (span.start, span.stop or file.size_bytes)
            with closing(file.blocks(start, stop, ahead=_BLOCKS_AHEAD)) as blocks:
                yield Delivery(stream=joined(blocks), suffix=suffix_of(item.id), size_bytes=stop - start)
            file.check_unchanged()

    def _look(self) -> list[FoundFile]:
        with self._sessions.lent() as files:
            return files.found(PathPattern(self._options.pattern))

    def _first_bytes(self, path: str) -> bytes:
        with self._sessions.lent() as files:
            return files.first_bytes(path, MOST_BYTES)


def _beginning(access: Access, connection: ConnectionSpec, path: str) -> Callable[[], RemoteFiles]:
    """How a session begins; it knows nothing of the source, which may be forgotten before its sessions are."""

    def begin() -> RemoteFiles:
        from finport_ingestion.engine.sources.ssh.remote import RemoteFiles

        return RemoteFiles.begun(access, connection, path)

    return begin
