"""What an answer means for the run: good, to be tried again, or for a person."""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Literal

import aiohttp

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import (
    AccessDenied,
    FinportError,
    FormatError,
    PermanentError,
    RateLimited,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.resilience.gate import Answer as GateAnswer
from finport_ingestion.engine.resilience.wire import retry_after_seconds
from finport_ingestion.engine.sources.web.body import Body
from finport_ingestion.engine.sources.web.facts import media_type
from finport_ingestion.engine.sources.web.rate_headers import left

_TITLE = re.compile(rb"<title[^>]*>([^<]{1,400})", re.IGNORECASE)
_TITLE_CHARACTERS = 60
_PAGE_START_BYTES = 8192
_HTML = {"text/html", "application/xhtml+xml"}
# A name of HTTPStatus is looked up slowly, and these are compared for every page.
_GOOD = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
_TOO_MANY, _DOWN = int(HTTPStatus.TOO_MANY_REQUESTS), int(HTTPStatus.INTERNAL_SERVER_ERROR)
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_NO_FAULT = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED}
_KNOWN = {status.value for status in HTTPStatus}
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}


def refusal(response: aiohttp.ClientResponse, *, what: str, connection: str, now: datetime) -> FinportError | None:
    """The error that a status stands for, None for a good one. `connection` names the credentials in use."""
    status = response.status
    if status in _GOOD:
        return None
    told = f"{what} answers {status}{_phrase(status)}."
    if status == _TOO_MANY:
        wait = told_to_the_gate(response, now=now).retry_after_seconds
        asked = f" It asks to wait {wait:g} s." if wait is not None else ""
        return RateLimited(told + asked, retry_after_seconds=wait, hint="lower limits.rate if this happens often")
    if status >= _DOWN or status in _BUSY:
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


def is_good(response: aiohttp.ClientResponse) -> bool:
    """Whether its status is one of those for success."""
    return response.status in _GOOD


def is_html(response: aiohttp.ClientResponse) -> bool:
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


async def page_start(response: aiohttp.ClientResponse, *, what: str, deadline: Deadline) -> bytes:
    """The first bytes of a body that nobody else will read; at most one piece more than are needed."""
    body = Body(response, what=what, deadline=deadline)
    start = b""
    while len(start) < _PAGE_START_BYTES and (piece := await body.read()):
        start += piece
    return start


def told_to_the_gate(response: aiohttp.ClientResponse, *, now: datetime, seconds: float | None = None) -> GateAnswer:
    """What an answer says about the server: that it is busy, that it is down, or how many requests are left."""
    status, rates = response.status, left(response.headers, now=now)
    outcome: Literal["good", "failed", "limited"] = "good"
    if status == _TOO_MANY:
        outcome = "limited"
    elif status >= _DOWN and status not in _NO_FAULT:
        outcome = "failed"
    wait = None if outcome == "good" else retry_after_seconds(response.headers.get("Retry-After"), now=now)
    if outcome == "limited" and wait is None:
        wait = rates.reset_seconds
    return GateAnswer(
        outcome=outcome,
        seconds=seconds,
        retry_after_seconds=wait,
        remaining=rates.remaining,
        reset_seconds=rates.reset_seconds,
    )


def _phrase(status: int) -> str:
    """The standard one: the server's own might hold anything."""
    return f" {HTTPStatus(status).phrase}" if status in _KNOWN else ""
