"""The bytes of a collection, as one answer, a part of it, or as its pages, if it still is what was listed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO

import aiohttp

from finport_ingestion.engine.errors import SourceItemChanged
from finport_ingestion.engine.network.runner import iterate, run
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.interface import Delivery, Span
from finport_ingestion.engine.sources.pagination import Pages
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.body import open_body
from finport_ingestion.engine.sources.web.changed import check_unchanged
from finport_ingestion.engine.sources.web.client import WebClient
from finport_ingestion.engine.sources.web.facts import (
    encoding,
    media_type,
    stated_checksum,
    stated_size,
    strong_etag,
    suffix,
)
from finport_ingestion.engine.sources.web.rules import Reach
from finport_ingestion.engine.sources.web.walk import walked

_READY_PAGES = 64
"""Of those that came, so many wait for the thread that takes them; the others where they were fetched."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def deliver_whole(client: WebClient, ask: Ask, item: SourceItem) -> Iterator[Delivery]:
    """One delivery, streamed as it arrives."""
    response = run(client.get(ask))
    what = client.what(ask)
    with open_body(response, client.access, what=what) as stream:
        check_unchanged(response, item, what=what)
        yield _delivery(response, ask, stream, size_bytes=stated_size(response))


def deliver_span(client: WebClient, ask: Ask, item: SourceItem, span: Span) -> Iterator[Delivery]:
    """One delivery of these bytes, of the version that was listed.

    Raises:
        SourceItemChanged: The server has another version now, or gives something else than these bytes.
    """
    last = (item.size_bytes or 0) - 1 if span.stop is None else span.stop - 1
    wanted = {"Range": f"bytes={span.start}-{last}", "If-Range": item.etag or "", "Accept-Encoding": "identity"}
    response = run(client.answer(ask, headers=wanted))
    what = client.what(ask)
    with open_body(response, client.access, what=what) as stream:
        if response.status not in (HTTPStatus.OK, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            run(client.check(ask, response))
        _check_span(response, item, (span.start, last), what=what)
        yield _delivery(response, ask, stream, size_bytes=last + 1 - span.start)


def deliver_pages(client: WebClient, ask: Ask, item: SourceItem, pages: Pages, reach: Reach) -> Iterator[Delivery]:
    """One delivery a page, in order. An empty collection is one empty page. Raises as `walked` says."""
    for page in iterate(lambda: walked(client, ask, item, pages, reach), ahead=_READY_PAGES):
        yield Delivery(
            stream=io.BytesIO(page.body),
            media_type=page.media_type,
            suffix=suffix(page.media_type, ask.url),
            size_bytes=len(page.body),
            checksum=page.checksum,
        )


def _check_span(response: aiohttp.ClientResponse, item: SourceItem, span: tuple[int, int], *, what: str) -> None:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    given = tuple(int(number) for number in found.groups()) if found else ()
    is_part = response.status == HTTPStatus.PARTIAL_CONTENT and not encoding(response)
    same = item.etag is not None and strong_etag(response) == item.etag
    if is_part and same and given == (*span, item.size_bytes):
        return
    raise SourceItemChanged(
        f"{what}: the server does not give bytes {span[0]} to {span[1]} of the version that was listed.",
        hint="the next run lists it anew; state 'etag: false' if that is so each time, and it comes whole",
    )


def _delivery(response: aiohttp.ClientResponse, ask: Ask, stream: IO[bytes], *, size_bytes: int | None) -> Delivery:
    kind = media_type(response)
    return Delivery(
        stream=stream,
        media_type=kind,
        suffix=suffix(kind, ask.url),
        size_bytes=size_bytes,
        checksum=stated_checksum(response),
    )
