"""ftplib on sockets of ours: to checked addresses only, with one TLS session for control and data."""

from __future__ import annotations

import ftplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

_ENCODING = "utf-8"
_MOST_LISTING_BYTES = 64 << 20
_HIGHEST_PORT = 65_535

Connect = Callable[[str, int], socket.socket]
"""A socket to host and port, at a checked address."""


class BadReply(ftplib.Error):
    """A reply that does not belong here; it begins with a code."""


class FtpClient(ftplib.FTP_TLS):
    """Passive only. Whatever address the server names for data, the one of the control connection is used.

    Servers that demand that the TLS session of the control connection is used for data (`require_ssl_reuse`) are right:
    otherwise anybody could fetch what this login asked for.
    """

    def __init__(self, host: str, port: int, *, connect: Connect, seconds: Callable[[], float]) -> None:
        """Connect and read the greeting.

        Args:
            seconds: How long an answer may take; asked for each command.
        """
        # The context is set by `secure`; without it, no TLS is used at all.
        super().__init__(context=ssl.create_default_context(), encoding=_ENCODING)
        self.host = host
        self._connect = connect
        self._seconds = seconds
        self._secured = False
        self.sock = connect(host, port)
        try:
            self.af = self.sock.family
            # The address of the greeting; behind a proxy nobody here knows it.
            self._data_host = str(self.sock.getpeername()[0])
            self._listen()
            self.welcome = self.getresp()
        except BaseException:
            self.close()
            raise

    def through_proxy(self) -> None:
        """Ask for data connections by name: the socket's address is the proxy's."""
        self._data_host = self.host

    def secure(self, context: ssl.SSLContext) -> None:
        """TLS for control and data. Raises as ftplib and ssl do."""
        self.context = context
        self.auth()
        self._listen()
        self._secured = True
        self.prot_p()

    def putcmd(self, line: str) -> None:
        """Send a command; the answer may take as long as is left for one."""
        if self.sock is None:
            raise EOFError
        self.sock.settimeout(self._seconds())
        super().putcmd(line)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """The data connection of a command that was begun, and None."""
        _, port = self.makepasv()
        if not 0 < port <= _HIGHEST_PORT:
            raise BadReply(f"227 names port {port}")
        data = self._connect(self._data_host, port)
        try:
            if rest is not None:
                self.sendcmd(f"REST {rest}")
            reply = self.sendcmd(cmd)
            if reply.startswith("2"):
                # Some servers answer a preliminary 2xx first, as ftplib knows.
                reply = self.getresp()
            if not reply.startswith("1"):
                raise BadReply(reply)
            data.settimeout(self._seconds())
            if self._secured and isinstance(self.sock, ssl.SSLSocket):
                data = self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session)
        except BaseException:
            data.close()
            raise
        return data, None

    def lines(self, command: str) -> list[str]:
        """What a listing says; names that are no UTF-8 hold surrogates."""
        self.voidcmd("TYPE A")
        data, _ = self.ntransfercmd(command)
        content = bytearray()
        try:
            while received := data.recv(1 << 16):
                content += received
                if len(content) > _MOST_LISTING_BYTES:
                    raise BadReply("451 a listing without an end")
        finally:
            self.end(data)
        self.voidresp()
        self.voidcmd("TYPE I")
        return content.decode(_ENCODING, errors="surrogateescape").splitlines()

    def end(self, data: socket.socket, *, politely: bool = True) -> None:
        """Close a data connection; politely where all was read that came."""
        if politely and isinstance(data, ssl.SSLSocket):
            # Many servers do not say goodbye; that all has come, the reply on the control connection says.
            with suppress(OSError, ValueError):
                data.unwrap()
        data.close()

    def _listen(self) -> None:
        if self.sock is None:
            raise EOFError
        self.file = self.sock.makefile("r", encoding=_ENCODING, errors="surrogateescape")
