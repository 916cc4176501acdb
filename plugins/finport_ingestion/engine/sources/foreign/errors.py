"""What the clients of others raise, told in our errors. Of their texts nothing is repeated: they may hold secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
    UnknownPlugin,
)

Outcome = Literal["good", "failed", "limited"]

_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@contextmanager
def told(what: str, *, failed: Callable[[Outcome], None] | None = None) -> Iterator[None]:
    """Raise ours instead of theirs.

    Args:
        what: Source and file.
        failed: Told how it went, for the gate.
    """
    try:
        yield
    except Exception as raised:
        error = raised if isinstance(raised, FinportError) else _translated(raised, what)
        if failed:
            failed(_outcome(error))
        raise error from None


def _translated(error: Exception, what: str) -> FinportError:
    kind = type(error).__name__
    status = getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, ImportError):
        return UnknownPlugin(
            f"{what}: the client of this file system is not installed.", hint=f"pip install {error.name or 'it'}"
        )
    if isinstance(error, FileNotFoundError) or status == HTTPStatus.NOT_FOUND:
        return SourceItemMissing(f"{what}: it is not there.", hint="check url and path, or run again")
    if isinstance(error, PermissionError) or status in _DENIED:
        return AccessDenied(f"{what}: access is denied ({kind}).", hint="check the connection's credentials and rights")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{what}: the service asks to slow down.", hint="try later; lower limits.rate")
    if isinstance(error, NotADirectoryError | IsADirectoryError | ValueError | TypeError):
        return ConfigError(f"{what}: it cannot be used like this ({kind}).", hint="check url and storage_options")
    return SourceUnavailable(f"{what}: it cannot be reached or read ({kind}).", hint="try later; check the url")


def _outcome(error: FinportError) -> Outcome:
    if isinstance(error, RateLimited):
        return "limited"
    return "failed" if isinstance(error, SourceUnavailable) else "good"
