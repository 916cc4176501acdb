"""What a connection gives for a login, read once more when a server refuses it: it may have been rotated since."""

from __future__ import annotations

import threading
from pathlib import Path

from finport_ingestion.engine.auth.interface import Grant
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError, MissingConnection
from finport_ingestion.engine.events.event import EventType

SECRET_EXTRAS = (
    "aws_session_token",
    "client_key_passphrase",
    "lock",
    "otp_secret",
    "passphrase",
    "private_key_passphrase",
    "refresh_token",
)
"""What a connection's extra may hold that no message may repeat."""


class Credentials:
    """The login, password and extras of a grant's connection. May be used from any thread."""

    def __init__(self, grant: Grant) -> None:
        self.source = grant.source
        self._connection = grant.connection
        self._told = grant.told
        self._lock = threading.Lock()

    @property
    def place(self) -> str:
        """Where they are kept, for messages."""
        return f"connection '{self._connection.id}'" if self._connection else "the Authentication"

    def login(self) -> str:
        """The connection's login.

        Raises:
            ConfigError: There is no connection, or it has none.
        """
        return self._filled(self._connection.login if self._connection else None, "login")

    def password(self) -> str:
        """The connection's password. Raises as `login` does."""
        return self._filled(self._connection.secret() if self._connection else None, "password")

    def stated(self, name: str) -> str | None:
        """A text of the connection's extra; None where it is not there, or empty."""
        value = self._connection.extra.get(name) if self._connection else None
        return str(value) if value not in (None, "") else None

    def needed(self, name: str) -> str:
        """A text of the connection's extra. Raises as `login` does."""
        return self._filled(self.stated(name), f"'{name}' in the extra")

    def file(self, name: str) -> bytes | None:
        """The content of the file that the extra `name` names; None where it names none.

        Raises:
            ConfigError: It cannot be read.
        """
        path = self.stated(name)
        if path is None:
            return None
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{self.source}: the file {path} ({name} of {self.place}) cannot be read: {error.strerror}.",
                hint="name a file that the worker can read",
            ) from error

    def reread(self) -> bool:
        """Read the connection anew; whether it holds something else now, which is told.

        Raises:
            MissingConnection: It is gone.
        """
        changed = self._reread()
        if changed:
            self._told(EventType.CREDENTIALS_ROTATED)
        return changed

    def _reread(self) -> bool:
        with self._lock:
            before = self._connection
            if before is None:
                return False
            try:
                now = before.reread()
            except MissingConnection as error:
                raise MissingConnection(f"{self.source}: {error.message}", hint=error.hint) from error
            self._connection = now
            return _content(before) != _content(now)

    def _filled(self, value: str | None, field: str) -> str:
        if value:
            return value
        if self._connection is None:
            raise ConfigError(
                f"{self.source}: no connection to take a {field} from.",
                hint="state 'connection' in the source, or in its Authentication document",
            )
        raise ConfigError(f"{self.source}: {self.place} has no {field}.", hint=f"fill in its {field}")


def _content(connection: ConnectionSpec) -> tuple[object, ...]:
    return connection.login, connection.secret(), dict(connection.extra)
