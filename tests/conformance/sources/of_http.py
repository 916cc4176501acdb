"""Pages behind OAuth 2.0 client credentials, over TLS, with an ETag for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from finport_ingestion.engine.auth.oauth2 import ClientCredentials
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.http_api import HttpSource
from tests.conformance.sources.access import PLANTED_SECRET, access, connection
from tests.conformance.sources.system import AnySource
from tests.services.process import free_port
from tests.services.web import WebServer
from tests.services.web_replies import Reply, Request, error_reply, json_reply
from tests.services.web_tokens import TokenEndpoint

PATH = "/v1/prices"


class Api:
    """See the module."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._version = 1
        tokens = TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)
        server.add("/token", tokens)
        server.add(PATH, tokens.protect(self._page))

    def _page(self, request: Request) -> Reply:
        number = int(request.parameter("page"))
        rows = [[self._version, number, text] for text in ("a", "b")]
        return json_reply({"data": rows, "pages": 3}, headers={"ETag": f'"{self._version}"'})

    def source(self) -> AnySource:
        return self._at(self._server.url())

    def change(self, item: SourceItem) -> None:
        self._version += 1

    def remove(self, item: SourceItem) -> None:
        self._server.add(PATH, error_reply(404))

    @contextmanager
    def unreachable(self) -> Iterator[AnySource]:
        yield self._at(f"https://127.0.0.1:{free_port()}")

    @contextmanager
    def refused(self) -> Iterator[AnySource]:
        yield self._at(self._server.url(), secret=f"{PLANTED_SECRET}, mistyped")

    def _at(self, url: str, **fields: Any) -> AnySource:
        options = {
            "protocol": "http",
            "path": PATH,
            "query": {"key": PLANTED_SECRET},
            "pagination": {"style": "page", "totalPages": "pages"},
            "etag": True,
        }
        extra = {"ca_file": str(self._server.ca_path)}
        spec = connection("finport_http", host=url, login="finport", extra=extra, **fields)
        auth = {"method": "oauth2_client_credentials", "tokenUrl": "/token"}
        return HttpSource(
            HttpSource.Options.model_validate(options),
            access(spec, auth=ClientCredentials.Options.model_validate(auth)),
        )


def system(request: pytest.FixtureRequest) -> Api:
    """A server of its own."""
    return Api(request.getfixturevalue("web_server"))
