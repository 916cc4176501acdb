"""What the web server of the tests can answer, in order and out of order: every reply is also a fault to plan.

A route is a reply, or a function from the request to a reply::

    web_server.add("/prices", json_reply({"rows": []}))
    web_server.add("/quota", in_turn(too_many_requests(retry_after_seconds=1), json_reply({"rows": []})))
    web_server.add("/slow", lambda request: SlowReply(text_reply("a" * 100), pause_seconds=0.1))
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in. Header names are lower case; `query` keeps repeated and empty parameters."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    target: str = ""  # path and query as they stood on the wire

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def form(self) -> dict[str, str]:
        """The fields of an urlencoded body, the first value of each."""
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Exchange(Protocol):
    """The open connection that a reply writes to."""

    def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the status line and the headers."""

    def send_body(self, content: bytes) -> None:
        """Write a piece of the body; nothing for HEAD and for statuses without a body."""

    def wait(self, seconds: float | None) -> None:
        """Wait, but no longer than the server lives."""

    def cut(self) -> None:
        """End the connection without a goodbye of TLS or HTTP; what was written still arrives."""

    def reset(self) -> None:
        """Reset the connection; what was written may be lost."""


class Reply(Protocol):
    """Something that answers one request."""

    def send(self, exchange: Exchange) -> None:
        """Write it."""


Route = Reply | Callable[[Request], Reply]
"""What a path answers with."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole and correct reply."""

    body: bytes = b""
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    def full_headers(self) -> dict[str, str]:
        """The headers with the length of the body."""
        return {"Content-Length": str(len(self.body)), **self.headers}

    def send(self, exchange: Exchange) -> None:
        """Write head and body."""
        exchange.send_head(self.status, self.full_headers())
        exchange.send_body(self.body)


@dataclass(frozen=True, slots=True)
class Hang:
    """Accept the request and never answer it (until the server closes)."""

    def send(self, exchange: Exchange) -> None:
        """Wait for the end of the test."""
        exchange.wait(None)
        exchange.reset()


@dataclass(frozen=True, slots=True)
class CutReply:
    """Promise the whole body, send `after_bytes` of it, and end the connection."""

    answer: Answer
    after_bytes: int

    def send(self, exchange: Exchange) -> None:
        """Write a part."""
        exchange.send_head(self.answer.status, self.answer.full_headers())
        exchange.send_body(self.answer.body[: self.after_bytes])
        exchange.cut()


@dataclass(frozen=True, slots=True)
class ResetConnection:
    """Take the request, and reset the connection instead of answering."""

    def send(self, exchange: Exchange) -> None:
        """Write nothing."""
        exchange.reset()


@dataclass(frozen=True, slots=True)
class SlowReply:
    """Send the head at once, then `chunk_bytes` of the body after every pause."""

    answer: Answer
    pause_seconds: float
    chunk_bytes: int = 1

    def send(self, exchange: Exchange) -> None:
        """Write it piece by piece."""
        exchange.send_head(self.answer.status, self.answer.full_headers())
        for start in range(0, len(self.answer.body), self.chunk_bytes):
            exchange.wait(self.pause_seconds)
            exchange.send_body(self.answer.body[start : start + self.chunk_bytes])


def json_reply(value: object, *, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document."""
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})


def text_reply(text: str, *, content_type: str = "text/plain; charset=utf-8", status: int = HTTPStatus.OK) -> Answer:
    """A text, for instance CSV with `content_type="text/csv"`."""
    return Answer(text.encode(), status, {"Content-Type": content_type})


def html_page(*, status: int = HTTPStatus.OK) -> Answer:
    """What a login page, a proxy or a maintenance window puts where JSON is due: HTML, often with status 200."""
    page = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
    return text_reply(page, content_type="text/html; charset=utf-8", status=status)


def error_reply(status: int, *, headers: Mapping[str, str] | None = None) -> Answer:
    """An error with a small JSON body."""
    return json_reply({"error": HTTPStatus(status).phrase}, status=status, headers=headers)


def too_many_requests(*, retry_after_seconds: float) -> Answer:
    """429 with Retry-After."""
    return error_reply(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": f"{retry_after_seconds:g}"})


def in_turn(*routes: Route) -> Callable[[Request], Reply]:
    """Answer with the first, then the second, ...; the last one stays."""
    remaining = list(routes)
    lock = threading.Lock()

    def take(request: Request) -> Reply:
        with lock:
            route = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return reply_of(route, request)

    return take


def reply_of(route: Route, request: Request) -> Reply:
    """The reply of a route to a request."""
    return route(request) if callable(route) else route
