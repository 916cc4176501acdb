"""asyncssh's errors as ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)

_LATER = "try later; check host and port, and whether the server is up"
_TOO_MANY_FAILURES = "too many authentication failures"


@contextmanager
def told_in_our_errors(what: str) -> Iterator[None]:
    """Turn what asyncssh raises within the block into our errors.

    Args:
        what: Source and request, for messages, e.g. `prices: a.csv at files.example.com:22`.
    """
    try:
        yield
    except TimeoutError as error:
        raise SourceUnavailable(f"{what}: no answer in time.", hint=_LATER) from error
    except (asyncssh.Error, OSError, EOFError, asyncio.IncompleteReadError) as error:
        raise _as_ours(error, what) from error


def _as_ours(error: Exception, what: str) -> FinportError:
    if isinstance(error, asyncssh.SFTPError):
        return _of_sftp(error, what)
    if isinstance(error, asyncssh.PermissionDenied) or _TOO_MANY_FAILURES in str(error).lower():
        return AccessDenied(
            f"{what}: the login is refused.", hint="check login and password, key or certificate of the connection"
        )
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return ConfigError(
            f"{what}: the server offers only algorithms that are too weak.",
            hint="ask its operator for curve25519 or ecdh, and AES in GCM or CTR mode",
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return PermanentError(
            f"{what}: the server opens no SFTP session.", hint="ask its operator whether this login may use SFTP"
        )
    return SourceUnavailable(f"{what}: the connection is lost ({_shown(error)}).", hint=_LATER)


def _of_sftp(error: asyncssh.SFTPError, what: str) -> FinportError:
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return SourceItemMissing(f"{what} is not there.", hint="check the path, or run again")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return AccessDenied(f"{what}: permission denied.", hint="ask the server's operator for the right to read it")
    if isinstance(error, asyncssh.SFTPNoConnection | asyncssh.SFTPConnectionLost | asyncssh.SFTPFailure):
        return SourceUnavailable(f"{what}: the server fails ({_shown(error)}).", hint=_LATER)
    return PermanentError(f"{what}: the server refuses ({_shown(error)}).", hint="check the source's path")


def _shown(error: Exception) -> str:
    """What the server says, as far as it can be shown."""
    text = str(getattr(error, "strerror", None) or getattr(error, "reason", None) or error) or type(error).__name__
    return "".join(letter for letter in text if letter.isprintable())[:200]
