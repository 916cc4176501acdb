"""One provider as its document describes it: address, method, parameters, pages and who may ask."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from finport_ingestion.engine.config.models.documents import SourceSpec
from finport_ingestion.engine.sources.pagination import DateWindow
from tests.services.web_replies import Answer, Reply, Request, error_reply
from tests.stand_ins.bodies import Body, body_of
from tests.stand_ins.paging import answer_of

_PLACE = re.compile(r"(?:\\\$)?\\\{(\w+)\\\}")


class Provider:
    """A route for everything below the source's base URL."""

    def __init__(self, source: str, spec: SourceSpec, *, origin: str) -> None:
        options: Any = spec.source
        self.options = options
        self.base_path = f"/{source}{_base_path(options.url)}"
        self._origin = origin
        self._body = body_of(source)
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def windows(self) -> int:
        """How many windows of days were asked for, of a source that is read so."""
        return len(self._numbers)

    def __call__(self, request: Request) -> Reply:
        """The documented answer; 404, 405 or 400 for what is not documented."""
        if not self._path().fullmatch(unquote(request.path)):
            return error_reply(HTTPStatus.NOT_FOUND)
        if request.method == "HEAD" and self.options.method == "GET":
            return self._answer(request)
        if request.method != self.options.method:
            return error_reply(HTTPStatus.METHOD_NOT_ALLOWED)
        if any(self._lacking(request)):
            return error_reply(HTTPStatus.BAD_REQUEST)
        return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        body, pages = self._rendered(request), self.options.pagination
        packed = body.packed(request.path)
        if body.members or packed != body.content:
            return Answer(packed, headers={"Content-Type": "application/octet-stream"})
        return answer_of(body, pages, f"{self._origin}{request.path}", request)

    def _rendered(self, request: Request) -> Body:
        """The body with ids of its own for each item, and for each window of days."""
        asked = [request.path, str(request.body)]
        asked += [f"{name}={request.parameter(name)}" for name in self._telling()]
        with self._lock:
            number = self._numbers.setdefault("&".join(asked), len(self._numbers) + 1)
        return self._body.numbered(number)

    def _telling(self) -> Iterator[str]:
        """The parameters that tell one item or window from another."""
        if isinstance(self.options.pagination, DateWindow):
            yield self.options.pagination.from_parameter
        yield from (name for name, value in self.options.query.items() if "{" in value)

    def _lacking(self, request: Request) -> Iterator[str]:
        """The documented parameters and headers that a request does not have; an address that we gave needs none."""
        named = {} if request.parameter("cursor") else self.options.query
        for name, value in named.items():
            if not re.fullmatch(_PLACE.sub(".+", re.escape(value)), request.parameter(name)):
                yield name
        for name, value in self.options.headers.items():
            if "${" not in value and request.headers.get(name.lower()) != value:
                yield name
        if "User-Agent" in self.options.headers and "@" not in request.headers.get("user-agent", ""):
            yield "User-Agent"

    def _path(self) -> re.Pattern[str]:
        path = _PLACE.sub("[^/]+", re.escape(self.options.path))
        return re.compile(re.escape(self.base_path.rstrip("/")) + path)


def _base_path(url: str | None) -> str:
    return re.sub(r"\$\{\w+\}", "stand-in", urlsplit(url or "").path)
