"""REST over HTTP/S, page by page.

```yaml
source:
  protocol: http
  connection: vendor_api    # host is the base url
  path: /v1/prices
  query: {per_page: "1000"}
  pagination: {style: page, parameter: page, totalPages: pages}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.model import Spec
from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.records import Replaces, SourceItem, Watermark
from finport_ingestion.engine.sources.interface import Access, Delivery, Span
from finport_ingestion.engine.sources.pagination import AnyPagination, NoPages
from finport_ingestion.engine.sources.web.address import base_url, below

if TYPE_CHECKING:
    import httpx

    from finport_ingestion.engine.sources.web.client import WebClient


JsonBody = dict[str, Any] | list[Any]


class Days(Spec):
    """The last days, newest last; one that the server does not have yet is left for a later run."""

    last: int = Field(default=5, ge=1, le=3660, description="How many, today included.")
    spelling: str = Field(default="%Y-%m-%d", description="How `{day}` is written, as strftime does.")
    weekdays: bool = Field(default=True, description="Without Saturdays and Sundays.")


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
    since_parameter: str | None = Field(default=None, description="Query parameter that takes the watermark.")
    etag: bool | None = Field(
        default=None,
        description="Ask by HEAD whether the collection has changed. By default only where it comes at once: `true` for"
        " pages says that the server's ETag stands for all of them.",
    )


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
        if access.cursor and not options.since_parameter:
            raise ConfigError(
                f"{access.source}: incremental by '{access.cursor}', but no request can say from where.",
                hint="state 'sinceParameter', or remove 'incremental'",
            )

    def check(self) -> str:
        """Ask for the head of the first page. Raises as the protocol of sources says."""
        from finport_ingestion.engine.sources.web.check import answered

        url = self._url(self._access.start if self._access.cursor else None)
        with self._client() as client:
            return f"{self._access.source}: {answered(client, url)}"

    def replaces(self, after: Watermark | None) -> Replaces:
        """The whole collection stands in for what was taken before; an increment for nothing."""
        return Replaces.SOURCE if self._since(after) is None else Replaces.NOTHING

    def discover(self, after: Watermark | None) -> Iterator[SourceItem]:
        """One item: the collection, or what it holds from the watermark on."""
        from finport_ingestion.engine.sources.web.check import item_of

        since = self._since(after)
        path = self._options.path
        bare = SourceItem(
            id=path if since is None else f"{path}?since={since}", slice={} if since is None else {"since": since}
        )
        if not self._has_validators():
            yield bare
            return
        with self._client() as client:
            item = item_of(bare, client, self._url(since), whole=isinstance(self._options.pagination, NoPages))
        yield item

    def open(self, item: SourceItem, span: Span | None = None) -> Iterator[Delivery]:
        """Its pages, each one delivery.

        Raises:
            SourceItemChanged: The server now states another ETag, time or size than it did for the item.
        """
        from finport_ingestion.engine.sources.web.deliver import deliver_pages, deliver_whole

        url = self._url(item.slice.get("since"))
        with self._client() as client:
            if isinstance(self._options.pagination, NoPages):
                yield from deliver_whole(client, url, item)
            else:
                yield from deliver_pages(client, url, item, self._options.pagination)

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
        return isinstance(self._options.pagination, NoPages) if asked is None else asked

    def _url(self, since: str | None) -> httpx.URL:
        import httpx

        from finport_ingestion.engine.sources.web.walk import first_url

        query = dict(self._options.query)
        if since is not None and self._options.since_parameter:
            query[self._options.since_parameter] = since
        url = httpx.URL(below(self._base, self._options.path)).copy_merge_params(query)
        return first_url(url, self._options.pagination)

    def _client(self) -> AbstractContextManager[WebClient]:
        from finport_ingestion.engine.sources.web.client import web_client

        return web_client(self._access, base_url=self._base, headers=self._options.headers)
