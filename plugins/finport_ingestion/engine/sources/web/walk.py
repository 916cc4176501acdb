"""All pages of a collection in order, and the signs that they repeat themselves or do not end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from finport_ingestion.engine.errors import PermanentError, RateLimited, SourceUnavailable
from finport_ingestion.engine.network.runner import in_thread
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.pagination import Pages
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.body import body_of, read_all
from finport_ingestion.engine.sources.web.changed import check_unchanged
from finport_ingestion.engine.sources.web.client import WebClient
from finport_ingestion.engine.sources.web.in_order import InOrder
from finport_ingestion.engine.sources.web.page import Page
from finport_ingestion.engine.sources.web.patience import persist
from finport_ingestion.engine.sources.web.rules import Reach, Rule, counts, rule_of
from finport_ingestion.engine.sources.web.way import cut

T = TypeVar("T")

PAGE_LIMIT_BYTES = 256 << 20
"""A page is held in memory: what names the next one stands in it."""
_LARGE_BYTES = 1 << 20


async def walked(client: WebClient, ask: Ask, item: SourceItem, pages: Pages, reach: Reach) -> AsyncIterator[Page]:
    """The pages that hold anything; of an empty collection, the empty page.

    Raises:
        PermanentError: The pages repeat themselves, lead in a circle or do not end.
        SourceItemChanged: The collection is not any more what was listed.
    """
    rule = rule_of(ask, pages, reach, what=client.what(ask))
    counted = counts(pages)
    guard = _Guard(pages, what=client.what(ask))
    reading = InOrder(partial(_read, client, item, rule.first()), most=client.access.connections)
    following: Ask | None = rule.first()
    nothing: Page | None = None
    found = False
    try:
        _foretell(reading, rule, None, pages)
        while following is not None:
            guard.check_progress(following)
            page = await reading.take(following)
            count = await _look(page, Page.count, pages.records) if counted else None
            if page.is_blank or (count == 0 and not page.is_table):
                nothing = nothing or page
            else:
                guard.check_new(page, is_empty=count == 0)
                found = True
                yield page
            if rule.ends_when_empty and (page.is_blank or count == 0):
                break
            following = await _look(page, _following, count, rule, pages)
            if not reading.knows_more:
                _foretell(reading, rule, page, pages)
        if nothing and not found:
            yield nothing
    finally:
        await reading.close()


def _following(page: Page, count: int | None, rule: Rule, pages: Pages) -> Ask | None:
    if pages.stop is not None and not page.is_blank and page.is_true(pages.stop):
        return None
    return rule.following(page, count=count)


def _foretell(reading: InOrder[Ask, Page], rule: Rule, page: Page | None, pages: Pages) -> None:
    # Where a page may say that it is the last one, none is asked for before that is known.
    if pages.stop is None:
        reading.expect(islice(rule.ahead(page), pages.max_pages))


async def _look(page: Page, look: Callable[..., T], *rest: Any) -> T:
    """A look at a page; in a thread where it is so large that to parse it would hold up the others."""
    if len(page.body) < _LARGE_BYTES:
        return look(page, *rest)
    return await in_thread(partial(look, page, *rest))


async def _read(client: WebClient, item: SourceItem, first: Ask, ask: Ask) -> Page:
    try:
        return await _read_once(client, item, ask)
    except (SourceUnavailable, RateLimited) as error:
        if ask == first:
            raise
        return await persist(partial(_read_once, client, item, ask), error, deadline=client.access.deadline)


async def _read_once(client: WebClient, item: SourceItem, ask: Ask) -> Page:
    response = await client.get(ask)
    what = client.what(ask)
    try:
        check_unchanged(response, item, what=what)
        body = body_of(response, client.access, what=what)
        return Page(response, await read_all(body, limit_bytes=PAGE_LIMIT_BYTES), ask=ask, what=what)
    finally:
        cut(response)


class _Guard:
    """Notices a collection without an end."""

    def __init__(self, pages: Pages, *, what: str) -> None:
        self._pages = pages
        self._what = what
        # Plain texts and numbers: of many objects the garbage collector would have to look at each, again and again.
        self._asked: set[str | tuple[str, bytes]] = set()
        self._bodies: dict[int, int] = {}

    @property
    def page_count(self) -> int:
        return len(self._asked)

    def check_progress(self, ask: Ask) -> None:
        """Of each request, before it."""
        key = ask.url if ask.body is None else (ask.url, ask.body)
        if key in self._asked:
            raise PermanentError(
                f"{self._what}: the pages lead in a circle, back to one that was read.",
                hint="check 'pagination'; ask the provider",
            )
        if len(self._asked) == self._pages.max_pages:
            raise PermanentError(
                f"{self._what}: more than {self._pages.max_pages} pages.",
                hint="raise maxPages of 'pagination', or check its stop rule",
            )
        self._asked.add(key)

    def check_new(self, page: Page, *, is_empty: bool) -> None:
        """Of each page. Tables without a line below their header may look alike."""
        if is_empty:
            return
        earlier = self._bodies.setdefault(page.sums, self.page_count)
        if earlier != self.page_count:
            which = "the one before it" if earlier == self.page_count - 1 else f"page {earlier}"
            raise PermanentError(
                f"{page.what}: page {self.page_count} is the same as {which}.",
                hint="the server does not know the parameter that asks for a page; check 'pagination'",
            )
