"""Asking about a collection without taking it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.web.body import media_type, stated_size
from finport_ingestion.engine.sources.web.client import WebClient

# Servers that know no HEAD say so in many ways; then GET decides. Only these are about more than the method.
_DECISIVE = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
_NO_HEAD = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED}


def answered(client: WebClient, url: httpx.URL) -> str:
    """One sentence about the server that answered well. Raises what the answer stands for."""
    response = _head(client, url)
    if response is None:
        response = client.get(url)
        response.close()
    protection = "over TLS" if url.scheme == "https" else "without TLS"
    logged_in = ", credentials accepted" if client.access.auth else ""
    return f"{url.host} answers {response.status_code} {protection}{logged_in}."


def item_of(bare: SourceItem, client: WebClient, url: httpx.URL, *, whole: bool) -> SourceItem:
    """The item with the facts that the server states; size, time and type only where one answer is all of it."""
    response = _head(client, url)
    if response is None:
        return bare
    item = dataclasses.replace(bare, etag=response.headers.get("ETag"))
    if not whole:
        return item
    return dataclasses.replace(
        item,
        # Some servers give HEAD the length of the body that it does not have.
        size_bytes=stated_size(response) or None,
        modified_at=modified_at(response),
        media_type=media_type(response),
    )


def modified_at(response: httpx.Response) -> datetime | None:
    """The Last-Modified header, aware; None where there is no usable one."""
    try:
        moment = parsedate_to_datetime(response.headers.get("Last-Modified", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _head(client: WebClient, url: httpx.URL) -> httpx.Response | None:
    """A good answer to HEAD, None where only GET can tell."""
    response = client.answer("HEAD", url)
    response.close()
    status = response.status_code
    if response.is_success:
        return response
    if status in _DECISIVE or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NO_HEAD):
        client.check(response)
    return None
