"""Rules for pages that name the next one themselves: by a token, or by its address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.sources.pagination import BodyToken, Cursor, Link, NextUrl
from finport_ingestion.engine.sources.web.asked import Ask, same_origin
from finport_ingestion.engine.sources.web.page import Page


class _OneByOne:
    """Nothing is known ahead."""

    ends_when_empty = True

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def first(self) -> Ask:
        return self._ask

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        return iter(())


class ByCursor(_OneByOne):
    """A token of the body, in the query."""

    def __init__(self, ask: Ask, pages: Cursor) -> None:
        super().__init__(ask)
        self._pages = pages
        self._direction = _Direction()

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        token = page.token(self._pages.next)
        if token is None:
            return None
        self._direction.check(page, token)
        return self._ask.with_parameters({self._pages.parameter: token})


class ByBodyToken(_OneByOne):
    """A token of the body, in the next body."""

    def __init__(self, ask: Ask, pages: BodyToken) -> None:
        super().__init__(ask)
        self._pages = pages
        self._direction = _Direction()

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        token = page.token(self._pages.next)
        if token is None:
            return None
        self._direction.check(page, token)
        return self._ask.with_field(self._pages.field, token)


class ByLink(_OneByOne):
    """The `Link` header."""

    def __init__(self, ask: Ask, pages: Link) -> None:
        super().__init__(ask)
        self._pages = pages

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        address = page.link(self._pages.relation)
        return None if address is None else _elsewhere(page, address)


class ByNextUrl(_OneByOne):
    """An address in the body."""

    def __init__(self, ask: Ask, pages: NextUrl) -> None:
        super().__init__(ask)
        self._pages = pages

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        address = page.token(self._pages.next)
        return None if address is None else _elsewhere(page, address)


class _Direction:
    """Tokens that are whole numbers go up, or down, but do not turn."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._upwards: bool | None = None

    def check(self, page: Page, token: str) -> None:
        if not token.isdecimal():
            return
        number, last = int(token), self._last
        self._last = number
        if last is None or number == last:
            return  # the same one again is a circle, and noticed as such
        upwards = number > last
        if self._upwards is not None and self._upwards != upwards:
            raise PermanentError(
                f"{page.what}: the tokens of the next pages went {'up' if self._upwards else 'down'}, and now go back.",
                hint="pages would come twice; check 'next' of the pagination, and ask the provider",
            )
        self._upwards = upwards


def _elsewhere(page: Page, address: str) -> Ask:
    url = urljoin(page.ask.url, address)
    if not same_origin(url, page.ask.url):
        raise PermanentError(
            f"{page.what}: the next page is said to lie on another server, {urlsplit(url).hostname}.",
            hint="pages are taken from the source's own server only; ask the provider",
        )
    return page.ask.at(url)
