"""The demo's REST API: stock prices in pages, behind a bearer token.

```text
GET /v1/stocks?page=1&per_page=1000&since=2013-01-01
{"data":[{"symbol":"AAPL","date":"2013-01-02","open":553.82,...}],"page":1,"pages":1,"total":210,"next":null}
```
Sorted by date and symbol; `since` is inclusive; `next` is a relative link, in the `Link` header too.
The ETag stands for all pages of one `since`, so an unchanged collection costs one 304.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.market import StockPrice
from demo.oauth import AuthorizationServer, bearer_token

PATH: Final = "/v1/stocks"
ROWS_PER_PAGE: Final = 1_000
MAX_ROWS_PER_PAGE: Final = 5_000
REQUESTS_PER_WINDOW: Final = 600
WINDOW_SECONDS: Final = 60


class InvalidQuery(ValueError):
    """A query parameter cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The parameters of a request, checked."""

    page: int
    per_page: int
    since: str


class StockCollection:
    """All prices, sorted and spelled as JSON once."""

    def __init__(self, prices: Iterable[StockPrice]) -> None:
        ordered = sorted(prices, key=lambda price: (price.date, price.symbol))
        self._dates = [price.date for price in ordered]
        self._rows = [_json(price) for price in ordered]
        self.etag = lru_cache(maxsize=64)(self._etag)

    def total(self, since: str) -> int:
        return len(self._rows) - self._start(since)

    def rows(self, query: Query) -> list[bytes]:
        """The rows of a page as JSON objects; none after the last page."""
        first = self._start(query.since) + (query.page - 1) * query.per_page
        return self._rows[first : first + query.per_page]

    def _start(self, since: str) -> int:
        return bisect.bisect_left(self._dates, since)

    def _etag(self, since: str) -> str:
        return f'"{hashlib.sha256(b",".join(self._rows[self._start(since) :])).hexdigest()}"'


class RequestBudget:
    """A fixed window of requests, told to the client in every answer (draft RateLimit header fields)."""

    def __init__(self) -> None:
        self._window_end = 0.0
        self._left = 0

    def spend(self) -> dict[str, str] | None:
        """The headers of an answer, None when the budget of this window is used up."""
        now = time.monotonic()
        if now >= self._window_end:
            self._window_end, self._left = now + WINDOW_SECONDS, REQUESTS_PER_WINDOW
        if self._left == 0:
            return None
        self._left -= 1
        return self.headers()

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(REQUESTS_PER_WINDOW),
            "RateLimit-Remaining": str(self._left),
            "RateLimit-Reset": str(self.seconds_to_reset()),
        }

    def seconds_to_reset(self) -> int:
        return max(1, round(self._window_end - time.monotonic()))


class StockApi:
    """`GET` and `HEAD /v1/stocks`."""

    def __init__(self, collection: StockCollection, *, authorization: AuthorizationServer) -> None:
        self._collection = collection
        self._authorization = authorization
        self._budget = RequestBudget()

    async def stocks(self, request: Request) -> Response:
        token = bearer_token(request.headers.get("authorization"))
        if token is None or not self._authorization.is_valid(token):
            challenge = 'Bearer realm="finport-demo"' + (', error="invalid_token"' if token else "")
            return _problem("a valid bearer token is needed", status=401, headers={"WWW-Authenticate": challenge})
        headers = self._budget.spend()
        if headers is None:
            wait = {"Retry-After": str(self._budget.seconds_to_reset())}
            return _problem("too many requests", status=429, headers={**self._budget.headers(), **wait})
        try:
            query = _query(request)
        except InvalidQuery as error:
            return _problem(str(error), status=400, headers=headers)
        return self._page(query, known=request.headers.get("if-none-match"), headers=headers)

    def _page(self, query: Query, *, known: str | None, headers: dict[str, str]) -> Response:
        etag = self._collection.etag(query.since)
        headers = {**headers, "ETag": etag, "Cache-Control": "private, no-cache"}
        if known is not None and _names(known, etag=etag):
            return Response(status_code=304, headers=headers)
        total = self._collection.total(query.since)
        pages = -(-total // query.per_page)
        following = _link(query) if query.page < pages else None
        if following:
            headers["Link"] = f'<{following}>; rel="next"'
        page = f'"page":{query.page},"pages":{pages},"total":{total},"next":{json.dumps(following)}'
        body = b'{"data":[' + b",".join(self._collection.rows(query)) + b"]," + page.encode() + b"}"
        return Response(body, media_type="application/json", headers=headers)


def application(prices: Iterable[StockPrice], *, authorization: AuthorizationServer) -> Starlette:
    """The API with its token endpoint."""
    api = StockApi(StockCollection(prices), authorization=authorization)
    return Starlette(
        routes=[
            Route("/oauth/token", authorization.token, methods=["POST"]),
            Route(PATH, api.stocks, methods=["GET"]),
        ]
    )


def _json(price: StockPrice) -> bytes:
    """A row whose numbers are the very characters of the packaged file, never a float's."""
    numbers = "".join(
        f',"{name}":{getattr(price, name)}' for name in ("open", "high", "low", "close", "volume", "adj_close")
    )
    return f'{{"symbol":{json.dumps(price.symbol)},"date":"{price.date}"{numbers}}}'.encode()


def _query(request: Request) -> Query:
    since = request.query_params.get("since", "")
    if since:
        try:
            since = date.fromisoformat(since).isoformat()
        except ValueError as error:
            raise InvalidQuery("since has to be a day as YYYY-MM-DD") from error
    return Query(
        page=_count(request, "page", default=1, most=1_000_000),
        per_page=_count(request, "per_page", default=ROWS_PER_PAGE, most=MAX_ROWS_PER_PAGE),
        since=since,
    )


def _count(request: Request, name: str, *, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidQuery(f"{name} has to be a whole number from 1 to {most}")
    return int(text)


def _link(query: Query) -> str:
    parameters: dict[str, str | int] = {"page": query.page + 1, "per_page": query.per_page}
    if query.since:
        parameters["since"] = query.since
    return f"{PATH}?{urlencode(parameters)}"


def _names(known: str, *, etag: str) -> bool:
    """Whether an If-None-Match header names `etag`, compared weakly as RFC 9110 asks."""
    return known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}


def _problem(detail: str, *, status: int, headers: dict[str, str]) -> Response:
    content = {"title": detail, "status": status}
    return JSONResponse(content, status_code=status, headers=headers, media_type="application/problem+json")
