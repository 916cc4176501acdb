"""REST over HTTP/S, page by page.

```yaml
source:
  protocol: http
  connection: vendor_api    # host is the base url
  path: /v1/prices/{symbol}
  query: {per_page: "1000"}
  each: {symbol: [IBM, MSFT]}
  pagination: {style: page, parameter: page, totalPages: pages}
```

A file that comes at once, from a server that states its size, a strong ETag and `Accept-Ranges: bytes`, can be had in
ranges. With a proxy (`proxy` in the connection's extra, or `security.proxy`), names that only the proxy can resolve
are left to it; all others, and literal addresses, are checked as without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.pagination import AnyPagination, BodyToken, DateWindow, IdWindow, NoPages
from finport_ingestion.engine.sources.web.address import base_url, below
from finport_ingestion.engine.sources.web.combinations import (
    DAY,
    combinations,
    filled,
    filled_body,
    filled_path,
    id_of,
    last_days,
    names_in,
)
from finport_ingestion.engine.sources.web.shared import Shared

if TYPE_CHECKING:
    from finport_ingestion.engine.sources.web.asked import Ask
    from finport_ingestion.engine.sources.web.client import WebClient
    from finport_ingestion.engine.sources.web.rules import Reach


JsonBody = dict[str, Any] | list[Any]

SINCE, UNTIL = "since", "until"
"""Keys of an item's slice beside those of `each` and `{day}`: the watermark, and the day of the listing."""


class Days(Spec):
    """The last days, newest last; one that the server does not have yet is left for a later run."""

    last: int = Field(default=5, ge=1, le=3660, description="How many of those that count, today (UTC) included.")
    spelling: str = Field(default="%Y-%m-%d", description="How `{day}` is written, as strftime does.")
    weekdays: bool = Field(default=True, description="Whether only Mondays to Fridays count.")


class HttpOptions(SourceOptions):
    """A collection behind an API."""

    protocol: Literal["http"]
    url: str | None = Field(default=None, description="Base URL, where it is not the connection's host.")
    path: str = Field(default="/", description="Of the collection, below the base URL.", pattern=r"^[^?#]*$")
    method: Literal["GET", "POST"] = Field(default="GET", description="POST for queries that stand in a body.")
    query: dict[str, str] = Field(default_factory=dict, repr=False, description="Parameters of each request.")
    body: JsonBody | None = Field(default=None, repr=False, description="JSON body of each request.")
    each: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Values for `{name}` in path, query and body, e.g. `{symbol: [IBM, MSFT]}`; each combination is an"
        " item of its own.",
    )
    days: Days | None = Field(default=None, description="One item for each of the last days, named by `{day}`.")
    headers: dict[str, str] = Field(
        default_factory=dict, repr=False, description="Headers of each request; no secrets."
    )
    pagination: AnyPagination = Field(default_factory=lambda: NoPages(style="none"), description="How pages follow.")
    since_parameter: str | None = Field(
        default=None,
        description="Query parameter that takes the watermark; `{since}` in path, query or body does so too, where"
        " `incremental` states a `start`.",
    )
    etag: bool | None = Field(
        default=None,
        description="Ask by HEAD whether the collection has changed. By default only where it comes at once: `true` for"
        " pages says that the server's ETag stands for all of them.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.method == "GET" and self.body is not None:
            raise ValueError("a body needs method POST")
        if isinstance(self.pagination, BodyToken):
            _check_body_token(self.pagination, self.method, self.body)
        _check_names(self)
        return self


def _check_body_token(pagination: BodyToken, method: str, body: object) -> None:
    place = {} if body is None else body
    for name in pagination.field.split(".")[:-1]:
        place = place.get(name, {}) if isinstance(place, Mapping) else None
    if method != "POST" or not isinstance(place, Mapping):
        raise ValueError(f"pagination by a token in the body needs method POST, and an object for '{pagination.field}'")


def _check_names(options: HttpOptions) -> None:
    reserved = {SINCE, UNTIL, DAY} & options.each.keys()
    if reserved:
        raise ValueError(f"'each' cannot be of '{min(reserved)}', which means something else")
    known = {*options.each, *([DAY] if options.days else [])}
    if unknown := names_in(options.path) - known - {SINCE}:
        raise ValueError(f"no values for '{{{min(unknown)}}}' of the path; state them in 'each'")
    if unused := known - names_in(options.path, options.query, options.body):
        raise ValueError(f"'{{{min(unused)}}}' stands nowhere in path, query or body")
    if any(value in ("", ".", "..") for values in options.each.values() for value in values):
        raise ValueError("the values of 'each' are not empty, and no dots alone")


class HttpSource:
    """See the module."""

    Options = HttpOptions

    def __init__(self, options: HttpOptions, access: Access) -> None:
        """Contacts nobody.

        Raises:
            ConfigError: There is no usable address; or the source is incremental, and no parameter takes the watermark.
        """
        self._options = options
        self._access = access
        self._base = base_url(options.url, access)
        self._clients = Shared(self._client)
        self._check_increments()

    def check(self) -> str:
        """Ask for the head of the first page. Raises as the protocol of sources says."""
        from finport_ingestion.engine.network.runner import run
        from finport_ingestion.engine.sources.web.check import answered

        parts = list(self._parts(self._access.start if self._access.cursor else None))
        # Today's file may not be there yet: then an earlier one shows that all is well.
        asks = [self._first(part) for part in (parts[::-1] if self._options.days else parts[:1])]
        with self._clients.used() as client:
            return f"{self._access.source}: {run(answered(client, asks))}"

    def replaces(self, after: Watermark | None) -> Replaces:
        """The whole collection stands in for what was taken before, an item of `each` or a day for itself."""
        if self._since(after) is not None:
            return Replaces.NOTHING
        return Replaces.ITEMS if self._options.each or self._options.days else Replaces.SOURCE

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """The collection, or what it holds from the watermark on; once for each combination of `each`, and each day."""
        from finport_ingestion.engine.network.runner import iterate
        from finport_ingestion.engine.sources.web.check import Questions, listed

        items = [self._bare_item(part) for part in self._parts(self._since(after))]
        self._check_ids(items)
        questions = Questions(
            facts=self._has_validators(),
            whole=isinstance(self._options.pagination, NoPages),
            there=self._options.days is not None,
        )
        if not questions.facts and not questions.there:
            yield from items
            return
        asked = [(item, self._first(item.slice)) for item in items]
        with self._clients.used() as client:
            yield from iterate(lambda: listed(client, asked, questions), ahead=self._access.connections)

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """Its pages, each one delivery; or a part of what comes at once.

        Raises:
            SourceItemChanged: The server now states another ETag, time or size than it did for the item.
        """
        from finport_ingestion.engine.sources.web.deliver import deliver_pages, deliver_span, deliver_whole

        ask = self._ask(item.slice)
        with self._clients.used() as client:
            if span is not None:
                yield from deliver_span(client, ask, item, span)
            elif isinstance(self._options.pagination, NoPages):
                yield from deliver_whole(client, ask, item)
            else:
                yield from deliver_pages(client, ask, item, self._options.pagination, self._reach(item.slice))

    def _since(self, after: Watermark | None) -> str | None:
        if after is None or self._access.cursor is None:
            return self._access.start if self._access.cursor else None
        if after.field != self._access.cursor:
            raise ConfigError(
                f"{self._access.source}: the watermark is of '{after.field}', the document names"
                f" '{self._access.cursor}'.",
                hint="name the old field again, or begin anew with 'finport reset'",
            )
        return after.value

    def _has_validators(self) -> bool:
        asked = self._options.etag
        at_once = isinstance(self._options.pagination, NoPages)
        return self._options.method == "GET" and (at_once if asked is None else asked)

    def _parts(self, since: str | None) -> Iterator[dict[str, str]]:
        """What each item needs to be read again: the values of its placeholders, where it begins and where it ends."""
        options, today = self._options, self._access.deadline.clock.now().date()
        ends = {} if since is None else {SINCE: since}
        if isinstance(options.pagination, DateWindow):
            ends[UNTIL] = today.isoformat()
        days = options.days
        dates = last_days(days.last, today=today, weekdays=days.weekdays) if days else []
        for values in combinations(options.each):
            for day in [{DAY: found.isoformat()} for found in dates] or [{}]:
                yield {**values, **day, **ends}

    def _bare_item(self, part: Mapping[str, str]) -> SourceItem:
        shown = {name: value for name, value in self._values(part).items() if name != UNTIL}
        return SourceItem(id=id_of(self._options.path, shown), slice=dict(part))

    def _check_ids(self, items: list[SourceItem]) -> None:
        if len({item.id for item in items}) < len(items):
            raise ConfigError(
                f"{self._access.source}: two combinations of 'each' are one and the same path.",
                hint="state each value once, and put something between two placeholders",
            )

    def _values(self, part: Mapping[str, str]) -> dict[str, str]:
        """The slice with its day as the server spells it."""
        days = self._options.days
        if days is None or DAY not in part:
            return dict(part)
        return {**part, DAY: date.fromisoformat(part[DAY]).strftime(days.spelling)}

    def _ask(self, part: Mapping[str, str]) -> Ask:
        from yarl import URL

        from finport_ingestion.engine.sources.web.asked import Ask, json_body

        options, values = self._options, self._values(part)
        query = {name: filled(value, values) for name, value in options.query.items()}
        if SINCE in part and options.since_parameter:
            query[options.since_parameter] = part[SINCE]
        body = None if options.body is None else json_body(filled_body(options.body, values))
        url = URL(below(self._base, filled_path(options.path, values)))
        return Ask(options.method, str(url), body).with_parameters(query)

    def _first(self, part: Mapping[str, str]) -> Ask:
        """The request of the first page."""
        from finport_ingestion.engine.sources.web.asked import named
        from finport_ingestion.engine.sources.web.rules import rule_of

        ask, pages = self._ask(part), self._options.pagination
        if isinstance(pages, NoPages):
            return ask
        what = named(self._access.source, ask.method, ask.url)
        return rule_of(ask, pages, self._reach(part), what=what).first()

    def _reach(self, part: Mapping[str, str]) -> Reach:
        from finport_ingestion.engine.sources.web.rules import Reach

        until = part.get(UNTIL)
        today = date.fromisoformat(until) if until else self._access.deadline.clock.now().date()
        return Reach(since=part.get(SINCE), today=today)

    def _client(self) -> AbstractContextManager[WebClient]:
        from finport_ingestion.engine.sources.web.client import web_client

        return web_client(self._access, base_url=self._base, headers=self._options.headers)

    def _check_increments(self) -> None:
        access, options = self._access, self._options
        inside = SINCE in names_in(options.path, options.query, options.body)
        takes_it = inside or options.since_parameter or isinstance(options.pagination, DateWindow | IdWindow)
        if access.cursor and not takes_it:
            raise ConfigError(
                f"{access.source}: incremental by '{access.cursor}', but no request can say from where.",
                hint="state 'sinceParameter', or remove 'incremental'",
            )
        if inside and (access.cursor is None or access.start is None):
            raise ConfigError(
                f"{access.source}: nothing can stand for '{{{SINCE}}}' in the first request.",
                hint="state 'incremental' with its field and 'start'",
            )
