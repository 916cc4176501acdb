"""Rules for collections that are asked for in windows: of days, or of ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import jmespath

from finport_ingestion.engine.errors import ConfigError, FormatError, PermanentError
from finport_ingestion.engine.sources.pagination import DateWindow, IdWindow
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.page import Page

_ISO_DAY_CHARACTERS = 10


class ByDays:
    """One request a window, all of them known from the beginning."""

    ends_when_empty = False

    def __init__(self, ask: Ask, pages: DateWindow, *, since: str | None, today: date, what: str) -> None:
        self._ask = ask
        self._pages = pages
        self._start = _day(since, what) if since else pages.start
        self._today = max(today, self._start)
        self._next = self._start

    def first(self) -> Ask:
        return self._window(self._start)

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        self._next += timedelta(days=self._pages.days)
        return None if self._next > self._today else self._window(self._next)

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        start = self._next
        while start <= self._today:
            yield self._window(start)
            start += timedelta(days=self._pages.days)

    def _window(self, start: date) -> Ask:
        pages = self._pages
        last = min(start + timedelta(days=pages.days - 1), self._today)
        parameters = {pages.from_parameter: start.strftime(pages.spelling)}
        if pages.to_parameter:
            to = last if pages.inclusive_to else last + timedelta(days=1)
            parameters[pages.to_parameter] = to.strftime(pages.spelling)
        return self._ask.with_parameters(parameters)


class ById:
    """Each request begins behind the last record that came."""

    ends_when_empty = True

    def __init__(self, ask: Ask, pages: IdWindow, *, since: str | None, what: str) -> None:
        limit = {pages.limit_parameter: str(pages.limit)} if pages.limit_parameter else {}
        self._ask = ask.with_parameters(limit)
        self._pages = pages
        self._id = jmespath.compile(pages.id)
        self._last = since or pages.start
        self._seen: set[str] = set()
        if pages.inclusive and not self._last.isdecimal():
            raise ConfigError(
                f"{what}: '{self._last}' is no whole number, so nobody knows which id lies behind it.",
                hint="remove 'inclusive' of the pagination, or state a 'start' that is a whole number",
            )

    def first(self) -> Ask:
        # A first run, and a watermark whose ties are known, may get the record of the very id.
        return self._behind(self._last)

    def following(self, page: Page, *, count: int | None) -> Ask | None:
        ids = [self._id_of(record, page) for record in page.records(self._pages.records)]
        if all(text.isdecimal() for text in (*ids, self._last)):
            self._check_ascending([int(text) for text in ids], page)
        elif ids[-1] in self._seen or ids[-1] == self._last:
            raise self._again(page, ids[-1])
        self._seen.add(ids[-1])
        self._last = ids[-1]
        return self._behind(str(int(self._last) + 1) if self._pages.inclusive else self._last)

    def ahead(self, page: Page | None) -> Iterator[Ask]:
        return iter(())

    def _check_ascending(self, ids: list[int], page: Page) -> None:
        for before, after in zip([int(self._last), *ids], ids, strict=False):
            first_of_all = not self._seen and after == int(self._last)
            if after < before or (after == before and not first_of_all):
                raise self._again(page, str(after))

    def _id_of(self, record: object, page: Page) -> str:
        found = self._id.search(record)
        text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if not text or (self._pages.inclusive and not text.isdecimal()):
            kind = "whole number" if self._pages.inclusive else "id"
            raise FormatError(
                f"{page.what}: a record has no {kind} at '{self._pages.id}'.", hint="check 'id' of the pagination"
            )
        return text

    def _again(self, page: Page, text: str) -> PermanentError:
        return PermanentError(
            f"{page.what}: id {text!r} comes behind one that is not below it: records would be lost or come twice.",
            hint="the server has to sort by 'id', and to give what lies behind the one that is asked for; where it"
            " gives that one too, state 'inclusive: true'",
        )

    def _behind(self, text: str) -> Ask:
        return self._ask.with_parameters({self._pages.parameter: text})


def _day(since: str, what: str) -> date:
    try:
        return date.fromisoformat(since[:_ISO_DAY_CHARACTERS])
    except ValueError:
        raise ConfigError(
            f"{what}: the watermark '{since}' is no date to begin the windows at.",
            hint="let 'incremental' name a field of dates, or begin anew with 'finport reset'",
        ) from None
