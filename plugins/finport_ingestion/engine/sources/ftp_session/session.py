"""One FTP session: logged in, in its folder, and asked for one thing at a time."""

from __future__ import annotations

import ftplib
import socket
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, suppress
from typing import Literal

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError, FinportError, SourceItemChanged
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.files.admission import admitted
from finport_ingestion.engine.sources.files.choice import FoundFile
from finport_ingestion.engine.sources.ftp_session.client import FtpClient
from finport_ingestion.engine.sources.ftp_session.errors import login_told, tls_told, told_in_our_errors
from finport_ingestion.engine.sources.ftp_session.listing import facts_of, found, moment
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.patterns import PathPattern
from finport_ingestion.engine.sources.tcp import own_tls

Tls = Literal["explicit", "none"]

_PORT = 21
_BLOCK_BYTES = 256 << 10
_MOST_DEPTH = 32
_ANONYMOUS = "anonymous"


class FtpSession:
    """Begun by `begun`; used by one item at a time."""

    def __init__(self, client: FtpClient, *, access: Access, features: frozenset[str]) -> None:
        self._client = client
        self._access = access
        self._features = features
        self._in_order = True

    @property
    def ranges(self) -> int:
        """1 where a file can be asked for from any byte on."""
        return 1 if "REST" in self._features else 0

    def is_usable(self) -> bool:
        """See Session."""
        return self._in_order

    def close(self) -> None:
        """See Session."""
        self._in_order = False
        self._client.close()

    def enter(self, folder: str) -> None:
        """Go there; every path is below it from now on. Raises SourceItemMissing."""
        with self._told(f"folder {folder}"):
            self._client.cwd(folder)

    def look(self) -> None:
        """See whether the folder can be listed."""
        with self._told("the folder"):
            self._client.lines("MLSD" if self._lists_facts else "NLST")

    def found(self, pattern: PathPattern, *, has_folders: bool) -> list[FoundFile]:
        """The files, whether they match or not; of those that do not match, only names where facts cost requests.

        Raises:
            ConfigError: The pattern leads into folders, which this server does not tell from files.
        """
        if self._lists_facts:
            return list(self._below("", pattern, ()))
        if has_folders:
            raise ConfigError(
                f"{self._access.source}: the FTP server lists names only (it has no MLSD), and does not say which of"
                " them are folders.",
                hint="state the folder as path, and a pattern of names in it",
            )
        return [file for name in self._names() if (file := self._named(name, pattern))]

    def blocks(self, path: str, start: int = 0, stop: int | None = None) -> Generator[bytes, None, None]:
        """The file from `start` up to `stop`, or to its end. The session is of no more use unless all was taken."""
        with told_in_our_errors(f"{self._access.source}: {path}", is_there=True):
            data, _ = self._client.ntransfercmd(f"RETR {path}", rest=start or None)
            self._in_order = False
            try:
                with data.makefile("rb", buffering=_BLOCK_BYTES) as stream:
                    while block := stream.read(_BLOCK_BYTES):
                        start += len(block)
                        if stop is not None and start > stop:
                            yield block[: len(block) - (start - stop)]
                            return
                        yield block
            finally:
                self._client.end(data, politely=stop is None or start <= stop)
            self._client.voidresp()
            self._in_order = True

    def first_bytes(self, path: str, at_most: int) -> bytes:
        """Of a small file. Raises as the protocol of sources says."""
        with closing(self.blocks(path, stop=at_most)) as blocks:
            return b"".join(blocks)

    def check_unchanged(self, item: SourceItem) -> None:
        """Raise SourceItemChanged where size and time are not those that were listed."""
        with self._told(item.id):
            now = self._facts(item.id)
        if (now.size_bytes, now.modified_at) != (item.size_bytes, item.modified_at):
            raise SourceItemChanged(
                f"{self._access.source}: {item.id} changed after it was listed ({item.size_bytes} bytes then,"
                f" {now.size_bytes} now).",
                hint="state 'settle' or 'lookAgain' in the source if its files are still written when a run begins",
            )

    @property
    def _lists_facts(self) -> bool:
        return "MLST" in self._features

    def _told(self, path: str) -> AbstractContextManager[None]:
        return told_in_our_errors(f"{self._access.source}: {path}")

    def _below(self, prefix: str, pattern: PathPattern, above: tuple[str, ...]) -> Iterator[FoundFile]:
        with self._told(f"folder {prefix or '.'}"):
            lines = self._client.lines(f"MLSD {prefix.rstrip('/')}".rstrip())
        for line in lines:
            name, facts = facts_of(line)
            path, kind = f"{prefix}{name}", facts.get("type", "").lower()
            if name.startswith(".") or "/" in name:
                continue
            if kind == "file":
                yield found(path, facts)
            elif kind == "dir" and pattern.descends(path):
                here = facts.get("unique", path)
                # A link that leads back up looks like a folder.
                if here not in above and len(above) < _MOST_DEPTH:
                    yield from self._below(f"{path}/", pattern, (*above, here))

    def _names(self) -> list[str]:
        try:
            with self._told("the folder"):
                return [name.removeprefix("./") for name in self._client.lines("NLST")]
        except FinportError as error:
            # How some servers say that there is nothing in it.
            if isinstance(error.__cause__, ftplib.Error) and str(error.__cause__)[:3] in ("450", "550"):
                return []
            raise

    def _named(self, name: str, pattern: PathPattern) -> FoundFile | None:
        if not pattern.matches(name) or not name.isprintable():
            return FoundFile(path=name, size_bytes=None)
        try:
            return self._by_size(name)
        except ftplib.error_perm:
            # A folder, or taken away since.
            return None

    def _facts(self, path: str) -> FoundFile:
        if not self._lists_facts:
            return self._by_size(path)
        _, told, *_ = [*self._client.sendcmd(f"MLST {path}").splitlines(), ""]
        return found(path, facts_of(told)[1])

    def _by_size(self, path: str) -> FoundFile:
        size = self._client.size(path)
        stated = self._client.sendcmd(f"MDTM {path}") if "MDTM" in self._features else ""
        return FoundFile(path=path, size_bytes=size, modified_at=moment(stated[4:]))


def begun(access: Access, connection: ConnectionSpec, *, path: str, tls: Tls) -> FtpSession:
    """A new session, in the folder `path`.

    Raises:
        ConfigError: The way is not allowed, or not as safe as is demanded.
        AccessDenied: The login is refused.
        SourceItemMissing: There is no such folder.
        SourceUnavailable: It does not answer.
    """
    host, port = str(connection.host), connection.port or _PORT
    what = f"{access.source}: FTP at {host}:{port}"
    if tls == "none":
        access.protection.demand_tls(what=what, fix="state tls: explicit if the server offers it")
    with admitted(access):
        session = _begun(access, connection, where=(host, port), tls=tls, what=what)
    try:
        session.enter(path)
    except BaseException:
        session.close()
        raise
    return session


def _begun(access: Access, connection: ConnectionSpec, *, where: tuple[str, int], tls: Tls, what: str) -> FtpSession:
    def seconds() -> float:
        return access.deadline.bound(access.request_timeout_seconds)

    def connect(host: str, port: int) -> socket.socket:
        return connected(host, port, protection=access.protection, timeout_seconds=seconds(), what=what)

    with told_in_our_errors(what):
        client = FtpClient(*where, connect=connect, seconds=seconds)
    try:
        if access.protection.proxy:
            client.through_proxy()
        if tls == "explicit":
            with told_in_our_errors(what), tls_told(what):
                client.secure(own_tls(access))
        with told_in_our_errors(what), login_told(what):
            client.login(connection.login or _ANONYMOUS, connection.secret() or f"{_ANONYMOUS}@", secure=False)
        with told_in_our_errors(what):
            features = _features(client)
            client.voidcmd("TYPE I")
    except BaseException:
        client.close()
        raise
    return FtpSession(client, access=access, features=features)


def _features(client: FtpClient) -> frozenset[str]:
    """What the server says that it can beyond the oldest commands; nothing where it does not know the question."""
    try:
        reply = client.sendcmd("FEAT")
    except ftplib.error_perm:
        return frozenset()
    features = frozenset(line.split()[0].upper() for line in reply.splitlines()[1:-1] if line.strip())
    if "UTF8" in features:
        # Those that need to be asked say so by RFC 2640; others answer that they do it anyway, or not at all.
        with suppress(ftplib.Error):
            client.sendcmd("OPTS UTF8 ON")
    return features
