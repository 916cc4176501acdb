"""From one page of a collection to the next: where it lies, and when it is over."""

from __future__ import annotations

import httpx

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.sources.pagination import Cursor, Link, Offset, PageNumber, Pages
from finport_ingestion.engine.sources.web.client import same_origin
from finport_ingestion.engine.sources.web.page import Page


def first_url(url: httpx.URL, pages: Pages) -> httpx.URL:
    """The collection's address with the parameters of its first page."""
    if isinstance(pages, PageNumber):
        return url.copy_set_param(pages.parameter, pages.first)
    if isinstance(pages, Offset):
        return url.copy_merge_params({pages.parameter: 0, pages.limit_parameter: pages.limit})
    return url


def is_beyond(page: Page, pages: Pages) -> bool:
    """Whether a page behind the first one holds nothing, so that it is no part of the collection."""
    return page.is_blank or (not page.is_table and _record_count(page, pages) == 0)


def following_url(page: Page, pages: Pages) -> httpx.URL | None:
    """The address of the next page, None at the end.

    Raises:
        FormatError: The page does not say what the document expects it to say.
        PermanentError: It names another server.
    """
    count = _record_count(page, pages)
    if page.is_blank or count == 0:
        return None
    if isinstance(pages, PageNumber):
        return _next_number(page, pages)
    if isinstance(pages, Offset):
        return _next_offset(page, pages, count=count or 0)
    if isinstance(pages, Cursor):
        token = page.token(pages.next)
        return None if token is None else page.url.copy_set_param(pages.parameter, token)
    return _next_link(page, pages) if isinstance(pages, Link) else None


def _record_count(page: Page, pages: Pages) -> int | None:
    """None where nothing depends on it and the document does not say how to count."""
    ends_by_count = isinstance(pages, Offset) or (isinstance(pages, PageNumber) and pages.total_pages is None)
    return page.count(pages.records) if ends_by_count or pages.records else None


def _next_number(page: Page, pages: PageNumber) -> httpx.URL | None:
    number = int(page.url.params[pages.parameter]) + 1
    if pages.total_pages and number - pages.first >= page.number(pages.total_pages):
        return None
    return page.url.copy_set_param(pages.parameter, number)


def _next_offset(page: Page, pages: Offset, *, count: int) -> httpx.URL | None:
    # A server may give fewer records than were asked for: what came is counted. Lines of a table cannot be, since
    # one of them may be a header.
    offset = int(page.url.params[pages.parameter]) + (pages.limit if page.is_table else count)
    if pages.total and offset >= page.number(pages.total):
        return None
    return page.url.copy_set_param(pages.parameter, offset)


def _next_link(page: Page, pages: Link) -> httpx.URL | None:
    link = page.response.links.get(pages.relation)
    if link is None:
        return None
    url = page.response.request.url.join(link["url"])
    if not same_origin(url, page.url):
        raise PermanentError(
            f"{page.what}: the next page is said to lie on another server, {url.host}.",
            hint="pages are taken from the source's own server only; ask the provider",
        )
    return url
