"""Signers that several methods use."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote_plus, urlsplit, urlunsplit

from finport_ingestion.engine.auth.interface import Request


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    """`request` with these headers set, whatever the case in which they stood in it."""
    names = {name.lower() for name in headers}
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    return dataclasses.replace(request, headers={**kept, **headers})


class FixedHeaders:
    """The same headers on each request."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def signed(self, request: Request) -> Request:
        return with_headers(request, self._headers)

    def renew(self, rejected: Request) -> bool:
        return False


class FixedParameter:
    """A key in the query."""

    def __init__(self, parameter: str, key: str) -> None:
        self._pair = f"{quote_plus(parameter)}={quote_plus(key)}"

    def signed(self, request: Request) -> Request:
        url = urlsplit(request.url)
        name = self._pair.partition("=")[0]
        kept = [pair for pair in url.query.split("&") if pair and pair.partition("=")[0] != name]
        return dataclasses.replace(request, url=urlunsplit(url._replace(query="&".join([*kept, self._pair]))))

    def renew(self, rejected: Request) -> bool:
        return False


class Tokens(Protocol):
    """Where bearer tokens come from."""

    def current(self) -> str:
        """A token that is good for a while."""
        ...

    def renewed(self, rejected: str) -> str:
        """Another one than `rejected`."""
        ...


class Bearer:
    """A token that is renewed ahead of its end, and once when the server rejects it all the same."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def signed(self, request: Request) -> Request:
        return with_headers(request, {"Authorization": f"Bearer {self._tokens.current()}"})

    def renew(self, rejected: Request) -> bool:
        """Fetch another token. It may wait for the token server."""
        self._tokens.renewed(rejected.headers["Authorization"].removeprefix("Bearer "))
        return True
