"""How each style of pagination comes from one page to the next, and when it is over.

A rule belongs to one reading of a collection. `following` alone decides what comes; `ahead` only foretells it, so that
it can be asked for before its turn: what was foretold wrongly is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from finport_ingestion.engine.errors import SourceItemChanged
from finport_ingestion.engine.sources.pagination import (
    BodyToken,
    Cursor,
    DateWindow,
    IdWindow,
    Link,
    NextUrl,
    Offset,
    PageNumber,
    Pages,
)
from finport_ingestion.engine.sources.web.asked import Ask, Counted
from finport_ingestion.engine.sources.web.page import Page
from finport_ingestion.engine.sources.web.tokens import ByBodyToken, ByCursor, ByLink, ByNextUrl
from finport_ingestion.engine.sources.web.windows import ByDays, ById


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """From where to where a collection is read."""

    since: str | None  # the watermark, for the styles that begin at it
    today: date


class Rule(Protocol):
    """See the module."""

    ends_when_empty: bool

    def first(self) -> Ask:
        """The first request."""
        ...

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        """What comes behind the page that was asked for last, None at the end.

        Args:
            count: Of its records, where anything depends on it.

        Raises:
            FormatError: The page does not say what the document expects it to say.
            PermanentError: It leads somewhere else, or back.
            SourceItemChanged: The collection has shrunk, so that records have moved to pages that were read.
        """
        ...

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        """What will follow, as far as that is known behind this page (None: before the first)."""
        ...


class ByNumber:
    """Page numbers."""

    ends_when_empty = True

    def __init__(self, ask: Ask, pages: PageNumber) -> None:
        size = {pages.size_parameter: str(pages.size)} if pages.size_parameter else {}
        self._asks = Counted(ask.with_parameters(size), pages.parameter)
        self._pages = pages
        self._taken = 0
        self._known = 0  # pages, as stated

    def first(self) -> Ask:
        return self._numbered(0)

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        self._taken += 1
        # What the pages between the first and the last one say is not looked at: they need not be parsed for it.
        if self._pages.total_pages and self._taken >= self._known:
            known = page.number(self._pages.total_pages)
            _check_grown(page, self._known, known, "pages")
            self._known = known
            if self._taken >= known:
                return None
        return self._numbered(self._taken)

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        for index in range(self._taken, self._known):
            yield self._numbered(index)

    def _numbered(self, index: int) -> Ask:
        return self._asks.at(self._pages.first + index)


class ByOffset:
    """Offsets."""

    ends_when_empty = True

    def __init__(self, ask: Ask, pages: Offset) -> None:
        self._asks = Counted(ask.with_parameters({pages.limit_parameter: str(pages.limit)}), pages.parameter)
        self._pages = pages
        self._offset = 0
        self._step = pages.limit
        self._total = 0

    def first(self) -> Ask:
        return self._asks.at(0)

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        # A server may give fewer records than were asked for: what came is counted. Lines of a table cannot be, since
        # one of them may be a header.
        self._step = self._pages.limit if page.is_table else count or 0
        self._offset += self._step
        if self._pages.total:
            total = page.number(self._pages.total)
            _check_grown(page, self._total, total, "records")
            self._total = total
            if self._offset >= total:
                return None
        return self._asks.at(self._offset)

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        for offset in range(self._offset, self._total, self._step):
            yield self._asks.at(offset)


def _check_grown(page: Page, before: int, now: int, what: str) -> None:
    if now < before:
        raise SourceItemChanged(
            f"{page.what}: there were {before} {what} when it was begun, and now {now}: records have moved.",
            hint="the next try reads it anew; choose a time at which the provider deletes nothing",
        )


def rule_of(ask: Ask, pages: Pages, reach: Reach, *, what: str) -> Rule:
    """The rule for a collection that begins at `ask`.

    Args:
        what: The request, for messages.

    Raises:
        ConfigError: It cannot begin there.
    """
    makers: dict[type[Pages], Callable[[Any], Rule]] = {
        PageNumber: lambda stated: ByNumber(ask, stated),
        Offset: lambda stated: ByOffset(ask, stated),
        Cursor: lambda stated: ByCursor(ask, stated),
        BodyToken: lambda stated: ByBodyToken(ask, stated),
        Link: lambda stated: ByLink(ask, stated),
        NextUrl: lambda stated: ByNextUrl(ask, stated),
        DateWindow: lambda stated: ByDays(ask, stated, since=reach.since, today=reach.today, what=what),
        IdWindow: lambda stated: ById(ask, stated, since=reach.since, what=what),
    }
    return makers[type(pages)](pages)


def counts(pages: Pages) -> bool:
    """Whether anything depends on how many records a page holds."""
    by_count = isinstance(pages, Offset | IdWindow | DateWindow)
    return by_count or (isinstance(pages, PageNumber) and pages.total_pages is None) or pages.records is not None
