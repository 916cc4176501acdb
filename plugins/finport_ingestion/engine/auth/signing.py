"""Signers that several methods use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote_plus, urlsplit, urlunsplit

from finport_ingestion.engine.auth.credentials import Credentials
from finport_ingestion.engine.auth.interface import Request


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    """`request` with these headers set, whatever the case in which they stood in it."""
    names = {name.lower() for name in headers}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    return dataclasses.replace(request, headers={**kept, **headers})


def with_parameters(request: Request, parameters: Mapping[str, str]) -> Request:
    """`request` with these in its query, last and in this order; the rest of the query stays as it is written."""
    pairs = {quote_plus(name): f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items()}
    url = urlsplit(request.url)
    kept = [pair for pair in url.query.split("&") if pair and pair.partition("=")[0] not in pairs]
    return dataclasses.replace(request, url=urlunsplit(url._replace(query="&".join([*kept, *pairs.values()]))))


class FromConnection:
    """Credentials of a connection on each request, which is read once more when a server refuses them.

    `sign` takes them out of `credentials` and gives the same for the same request, signed or not.
    """

    def __init__(self, credentials: Credentials, sign: Callable[[Request], Request]) -> None:
        self._credentials = credentials
        self._sign = sign

    def signed(self, request: Request) -> Request:
        return self._sign(request)

    def renew(self, rejected: Request) -> bool:
        """Whether the connection holds others by now."""
        self._credentials.reread()
        return self._sign(rejected) != rejected


class Tokens(Protocol):
    """Where bearer tokens come from."""

    def current(self) -> str:
        """A token that is good for a while."""
        ...

    def renewed(self, rejected: str) -> str:
        """Another one than `rejected`."""
        ...


class Carried:
    """A token in a header, renewed ahead of its end, and once when the server rejects it all the same."""

    def __init__(self, tokens: Tokens, *, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self._tokens = tokens
        self._header = header
        self._prefix = prefix

    def signed(self, request: Request) -> Request:
        return with_headers(request, {self._header: f"{self._prefix}{self._tokens.current()}"})

    def renew(self, rejected: Request) -> bool:
        """Fetch another token. It may wait for the token server."""
        self._tokens.renewed(rejected.headers[self._header].removeprefix(self._prefix))
        return True
