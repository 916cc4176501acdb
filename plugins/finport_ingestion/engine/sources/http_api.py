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

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import SourceOptions
from finport_ingestion.engine.sources.pagination import AnyPagination, NoPages


class HttpOptions(SourceOptions):
    """A collection behind an API."""

    protocol: Literal["http"]
    url: str | None = Field(default=None, description="Base URL, where it is not the connection's host.")
    path: str = Field(default="/", description="Of the collection, below the base URL.")
    query: dict[str, str] = Field(default_factory=dict, description="Parameters of each request.")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of each request; no secrets.")
    pagination: AnyPagination = Field(default_factory=lambda: NoPages(style="none"), description="How pages follow.")
    since_parameter: str | None = Field(default=None, description="Query parameter that takes the watermark.")
    etag: bool = Field(default=True, description="Ask by HEAD whether the collection has changed.")


class HttpSource:
    """See the module."""

    Options = HttpOptions
