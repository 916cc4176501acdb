"""The bytes of a collection, as one answer or as its pages, if it still is what was listed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import IO

import httpx

from finport_ingestion.engine.errors import PermanentError, SourceItemChanged
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import Delivery
from finport_ingestion.engine.sources.pagination import Pages
from finport_ingestion.engine.sources.web.body import (
    media_type,
    open_body,
    read_page,
    stated_checksum,
    stated_size,
    suffix,
)
from finport_ingestion.engine.sources.web.check import modified_at
from finport_ingestion.engine.sources.web.client import WebClient
from finport_ingestion.engine.sources.web.page import Page
from finport_ingestion.engine.sources.web.walk import following_url, is_beyond

PAGE_LIMIT_BYTES = 256 << 20
"""A page is held in memory: what names the next one stands in it."""


def deliver_whole(client: WebClient, url: httpx.URL, item: SourceItem) -> Iterator[Delivery]:
    """One delivery, streamed as it arrives."""
    response = client.get(url)
    what = client.what("GET", url)
    with open_body(response, what=what, deadline=client.access.deadline) as stream:
        _check_unchanged(response, item, what=what)
        yield _delivery(response, stream, size_bytes=stated_size(response))


def deliver_pages(client: WebClient, url: httpx.URL, item: SourceItem, pages: Pages) -> Iterator[Delivery]:
    """One delivery a page, in order. An empty collection is one empty page.

    Raises:
        PermanentError: The pages repeat themselves or do not end.
    """
    following: httpx.URL | None = url
    seen: set[httpx.URL] = set()
    previous = b""
    while following is not None:
        _check_progress(following, seen, pages, what=client.what("GET", url))
        page = _read(client, following, item)
        if len(seen) > 1 and is_beyond(page, pages):
            return
        digest = hashlib.sha256(page.body).digest()
        if digest == previous:
            raise PermanentError(
                f"{page.what}: page {len(seen)} is the same as the one before it.",
                hint="the server does not know the parameter that asks for a page; check 'pagination'",
            )
        previous = digest
        yield _delivery(page.response, io.BytesIO(page.body), size_bytes=len(page.body))
        following = following_url(page, pages)


def _read(client: WebClient, url: httpx.URL, item: SourceItem) -> Page:
    response = client.get(url)
    what = client.what("GET", url)
    with open_body(response, what=what, deadline=client.access.deadline) as stream:
        _check_unchanged(response, item, what=what)
        return Page(response, read_page(stream, limit_bytes=PAGE_LIMIT_BYTES, what=what), url=url, what=what)


def _check_progress(url: httpx.URL, seen: set[httpx.URL], pages: Pages, *, what: str) -> None:
    if url in seen:
        raise PermanentError(
            f"{what}: the pages lead in a circle, back to one that was read.",
            hint="check 'pagination'; ask the provider",
        )
    if len(seen) == pages.max_pages:
        raise PermanentError(
            f"{what}: more than {pages.max_pages} pages.", hint="raise maxPages of 'pagination', or check its stop rule"
        )
    seen.add(url)


def _check_unchanged(response: httpx.Response, item: SourceItem, *, what: str) -> None:
    """Compare the best of what the server states now with what it stated for the list."""
    facts = (
        ("ETag", _strong(item.etag), _strong(response.headers.get("ETag"))),
        ("Last-Modified", item.modified_at, modified_at(response)),
        ("Content-Length", item.size_bytes, stated_size(response)),
    )
    stated = next(
        ((name, listed != now) for name, listed, now in facts if listed is not None and now is not None), None
    )
    if stated and stated[1]:
        raise SourceItemChanged(
            f"{what}: {stated[0]} is not any more what it was when the source was listed.",
            hint="the next run lists it anew; state 'etag: false' if the server says something else each time",
        )


def _strong(etag: str | None) -> str | None:
    # Compressed and plain answers of one state differ in nothing but the mark of weakness.
    return etag.removeprefix("W/") if etag else None


def _delivery(response: httpx.Response, stream: IO[bytes], *, size_bytes: int | None) -> Delivery:
    return Delivery(
        stream=stream,
        media_type=media_type(response),
        suffix=suffix(response),
        size_bytes=size_bytes,
        checksum=stated_checksum(response),
    )
