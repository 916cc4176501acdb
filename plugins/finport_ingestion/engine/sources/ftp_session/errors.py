"""FTP's reply codes as our errors."""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from contextlib import contextmanager

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.resilience.wire import translated

_LATER = "try later; check host and port, and whether the server is up"
_LOGIN = {"430", "530", "532"}
_TLS = {"431", "521", "522", "533", "534", "535", "536"}
_NO_FILE = {"450", "550", "553"}
_UNKNOWN = {"500", "501", "502", "504"}
_MISSING = ("no such", "not found", "not exist")
_DENIED = ("permission", "denied", "not allowed", "forbidden")


@contextmanager
def told_in_our_errors(what: str, *, is_there: bool = False) -> Iterator[None]:
    """Turn what ftplib, TLS and the network raise within the block into our errors.

    Args:
        what: Source and request, for messages, e.g. `prices: a.csv at files.example.com:21`.
        is_there: The file was there a moment ago, so that a refusal is one.
    """
    try:
        yield
    except ftplib.Error as error:
        raise _of_reply(str(error), what, is_there=is_there) from error
    except EOFError as error:
        raise SourceUnavailable(f"{what}: the server ended the session.", hint=_LATER) from error
    except OSError as error:
        raise translated(error, what) from error


@contextmanager
def login_told(what: str) -> Iterator[None]:
    """The same for the login, where replies may repeat what was sent: nothing of them is shown, nor chained."""
    try:
        yield
    except ftplib.Error as error:
        code = str(error)[:3]
        raise _of_login(code if code.isdigit() else "none that is understood", what) from None


@contextmanager
def tls_told(what: str) -> Iterator[None]:
    """The same for the change to TLS."""
    try:
        yield
    except ftplib.Error as error:
        raise ConfigError(
            f"{what}: the server offers no TLS ({_shown(str(error))}).",
            hint="ask its operator for FTPS or SFTP; or state tls: none, and security.allowPlaintext with a reason",
        ) from error


def _of_reply(reply: str, what: str, *, is_there: bool) -> FinportError:
    code, shown = reply[:3], _shown(reply)
    if code in _LOGIN:
        return AccessDenied(f"{what}: the server refuses ({shown}).", hint="check login and password")
    if code in _TLS:
        return ConfigError(
            f"{what}: the server wants other TLS ({shown}).", hint="ask its operator which TLS it wants for data"
        )
    if code in _NO_FILE:
        return _of_file(shown, what, is_there=is_there)
    if code in _UNKNOWN:
        return PermanentError(f"{what}: the server does not know how ({shown}).", hint="ask its operator")
    if code.startswith("5"):
        return PermanentError(f"{what}: the server refuses ({shown}).", hint="check the source's path")
    return SourceUnavailable(f"{what}: the server cannot now ({shown}).", hint=_LATER)


def _of_file(shown: str, what: str, *, is_there: bool) -> FinportError:
    # One code for both: only the words tell them apart, where there are any.
    words = shown.lower()
    if any(word in words for word in _DENIED) or (is_there and not any(word in words for word in _MISSING)):
        return AccessDenied(
            f"{what}: the server refuses ({shown}).", hint="ask the server's operator for the right to read it"
        )
    return SourceItemMissing(f"{what} is not there ({shown}).", hint="check the path, or run again")


def _of_login(code: str, what: str) -> FinportError:
    if code in _TLS:
        return ConfigError(f"{what}: the server wants TLS, or another one (reply {code}).", hint="state tls: explicit")
    if code.startswith("5") or code in _LOGIN:
        return AccessDenied(
            f"{what}: the login is refused (reply {code}).", hint="check login and password of the connection"
        )
    return SourceUnavailable(f"{what}: no login now (reply {code}).", hint=_LATER)


def _shown(reply: str) -> str:
    return "".join(letter for letter in reply if letter.isprintable())[:200]
