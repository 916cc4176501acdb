"""The pages of a collection, in each style of pagination: two with records, whatever size is asked for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jmespath

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
from tests.services.web_replies import Answer, Request
from tests.stand_ins.bodies import Body
from tests.stand_ins.places import value_at, with_value

_SECOND = "second-page"


@dataclass(frozen=True, slots=True)
class Collection:
    """One body that is given in pages. `address` is where a client reaches it."""

    body: Body
    pages: Any
    address: str

    def answer(self, request: Request) -> Answer:
        """The page that a request asks for."""
        return _STYLES[type(self.pages)](self, request)

    @property
    def document(self) -> Any:
        return json.loads(self.body.content)

    @property
    def records(self) -> list[Any]:
        found: list[Any] = value_at(self.document, self.pages.records)
        return found

    @property
    def half(self) -> int:
        return -(-len(self.records) // 2)

    def page(self, records: list[Any], facts: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        """The document with these records, and with what it says of the other pages."""
        document = with_value(copy.deepcopy(self.document), self.pages.records, records)
        for path, value in facts.items():
            document = with_value(document, path, value)
        content = json.dumps(document, ensure_ascii=False).encode()
        return Answer(content, headers={"Content-Type": "application/json", **(headers or {})})

    def split(self, *, second: bool) -> list[Any]:
        return self.records[self.half :] if second else self.records[: self.half]


def _whole(collection: Collection, request: Request) -> Answer:
    return Answer(collection.body.content, headers={"Content-Type": collection.body.media_type})


def _by_number(collection: Collection, request: Request) -> Answer:
    pages: PageNumber = collection.pages
    number = int(request.parameter(pages.parameter)) - pages.first
    records = collection.records[number * collection.half : (number + 1) * collection.half]
    return collection.page(records, {pages.total_pages: 2} if pages.total_pages else {})


def _by_offset(collection: Collection, request: Request) -> Answer:
    pages: Offset = collection.pages
    first = int(request.parameter(pages.parameter, "0"))
    if int(request.parameter(pages.limit_parameter)) < 1:
        raise ValueError("a page holds a record at least")
    if collection.body.suffix == ".csv":
        return _lines(collection, first)
    records = collection.records[first : first + collection.half]
    return collection.page(records, {pages.total: len(collection.records)} if pages.total else {})


def _lines(collection: Collection, first: int) -> Answer:
    header, *lines = collection.body.content.splitlines(keepends=True)
    limit = collection.pages.limit
    return Answer(header + b"".join(lines[first : first + limit]), headers={"Content-Type": "text/csv"})


def _by_cursor(collection: Collection, request: Request) -> Answer:
    pages: Cursor = collection.pages
    token = request.parameter(pages.parameter)
    if "[-1]" in pages.next:  # the last record names the next page: what is older than it
        of_last = jmespath.compile(pages.next.partition("[-1]")[2].strip(".") or "@")
        older = [record for record in collection.records if not token or int(of_last.search(record)) < int(token)]
        return collection.page(older[: collection.half], {})
    for_ever = value_at(collection.document, pages.next)
    if for_ever:  # a token stands on every page; behind the last one there is nothing
        records = collection.split(second=bool(token)) if token != for_ever else []
        return collection.page(records, {pages.next: for_ever if token else _SECOND})
    return collection.page(collection.split(second=bool(token)), {pages.next: None if token else _SECOND})


def _by_link(collection: Collection, request: Request) -> Answer:
    second = request.parameter("page") == "2"
    query = urlencode({**{name: values[0] for name, values in request.query.items()}, "page": "2"})
    link = {} if second else {"Link": f'<{collection.address}?{query}>; rel="next"'}
    return collection.page(collection.split(second=second), {}, link)


def _by_url(collection: Collection, request: Request) -> Answer:
    pages: NextUrl = collection.pages
    second = request.parameter("cursor") == _SECOND
    following = None if second else f"{collection.address}?{urlencode({'cursor': _SECOND})}"
    return collection.page(collection.split(second=second), {pages.next: following})


def _by_body(collection: Collection, request: Request) -> Answer:
    pages: BodyToken = collection.pages
    token = request.json().get(pages.field)
    return collection.page(collection.split(second=bool(token)), {} if token else {pages.next: _SECOND})


def _by_id(collection: Collection, request: Request) -> Answer:
    pages: IdWindow = collection.pages
    begin, id_of = int(request.parameter(pages.parameter)), jmespath.compile(pages.id)
    least = begin if pages.inclusive else begin + 1
    left = [record for record in collection.records if int(id_of.search(record)) >= least]
    return collection.page(left[: collection.half], {})


_STYLES: dict[type[Pages], Callable[[Collection, Request], Answer]] = {
    PageNumber: _by_number,
    Offset: _by_offset,
    Cursor: _by_cursor,
    Link: _by_link,
    NextUrl: _by_url,
    BodyToken: _by_body,
    IdWindow: _by_id,
    DateWindow: _whole,
}


def answer_of(body: Body, pages: Pages, address: str, request: Request) -> Answer:
    """What a collection of that style answers; one without pages gives everything."""
    collection = Collection(body, pages, address)
    return collection.answer(request) if type(pages) in _STYLES else _whole(collection, request)
