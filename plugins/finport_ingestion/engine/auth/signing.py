"""httpx's side of authentication; imported where requests are sent, never to read documents."""

from __future__ import annotations

from collections.abc import Generator
from http import HTTPStatus
from typing import Protocol

import httpx


class HeaderKey(httpx.Auth):
    """A fixed key in a header."""

    def __init__(self, header: str, key: str) -> None:
        self._header = header
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header."""
        request.headers[self._header] = self._key
        yield request


class QueryKey(httpx.Auth):
    """A fixed key in the query."""

    def __init__(self, parameter: str, key: str) -> None:
        self._parameter = parameter
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the parameter."""
        request.url = request.url.copy_set_param(self._parameter, self._key)
        yield request


class Tokens(Protocol):
    """Where bearer tokens come from."""

    def current(self) -> str:
        """A token that is good for a while."""
        ...

    def renewed(self, rejected: str) -> str:
        """Another one than `rejected`."""
        ...


class Bearer(httpx.Auth):
    """A token that is renewed ahead of its end, and once when the server rejects it all the same."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send with the token; after a 401 once more, with a new one. The new one may wait for the token server."""
        token = self._tokens.current()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {self._tokens.renewed(token)}"
            yield request
