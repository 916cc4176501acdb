"""What an answer means for the run: good, to be tried again, or for a person."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus

import httpx

from finport_ingestion.engine.errors import (
    AccessDenied,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.resilience.wire import retry_after_seconds
from finport_ingestion.engine.sources.web.body import media_type

_TITLE = re.compile(rb"<title[^>]*>([^<]{1,400})", re.IGNORECASE)
_TITLE_CHARACTERS = 60
_PAGE_START_BYTES = 8192
_HTML = {"text/html", "application/xhtml+xml"}
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}


def refusal(response: httpx.Response, *, what: str, connection: str, now: datetime) -> FinportError | None:
    """The error that a status stands for, None for a good one. `connection` names the credentials in use."""
    status = response.status_code
    if response.is_success:
        return None
    told = f"{what} answers {status} {response.reason_phrase or ''}".rstrip() + "."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after_seconds(response.headers.get("Retry-After"), now=now)
        asked = f" It asks to wait {wait:g} s." if wait is not None else ""
        return RateLimited(told + asked, retry_after_seconds=wait, hint="lower limits.rate if this happens often")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _BUSY:
        return SourceUnavailable(told, hint="try later; ask the provider if it lasts")
    return _permanent(status, told, connection)


def _permanent(status: int, told: str, connection: str) -> FinportError:
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessDenied(told, hint=f"check the credentials of {connection}, and the source's authentication")
    if status == HTTPStatus.FORBIDDEN:
        return AccessDenied(told, hint=f"ask the provider to entitle the user of {connection} to this path")
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return AccessDenied(told, hint="put the proxy's login into 'proxy' of the connection's extra")
    if status in _MISSING:
        return SourceItemMissing(told, hint="check the source's path, and the base URL of its connection")
    return PermanentError(told, hint="check path, query and headers of the source against the provider's documentation")


def is_html(response: httpx.Response) -> bool:
    """Whether a person's page came where data are due: a login, a proxy, a maintenance window."""
    return media_type(response) in _HTML


def html_error(start: bytes, *, what: str, secrets: tuple[str, ...]) -> FormatError:
    """Names the page by its title, unless that repeats a secret."""
    found = _TITLE.search(start)
    title = " ".join(found[1].decode("utf-8", "replace").split())[:_TITLE_CHARACTERS] if found else ""
    shown = f" ('{title}')" if title and not any(secret in title for secret in secrets) else ""
    return FormatError(
        f"{what} answers with an HTML page{shown} instead of data.",
        hint="open the address in a browser: a login, a proxy or a maintenance page stands before the API,"
        " or the path is wrong",
    )


def page_start(response: httpx.Response) -> bytes:
    """The first bytes of a body that nobody else will read; at most one piece more than are needed."""
    start = b""
    for chunk in response.iter_bytes(_PAGE_START_BYTES):
        start += chunk
        if len(start) >= _PAGE_START_BYTES:
            break
    return start
