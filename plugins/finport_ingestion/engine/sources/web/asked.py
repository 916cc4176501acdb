"""One request for a page of a collection, as it is before anybody signs it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Ask:
    """`url` is absolute and encoded, its query included; neither that nor the body stands in a text."""

    method: str
    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)  # JSON

    def with_parameters(self, parameters: Mapping[str, str]) -> Ask:
        """The same, with these parameters of the query set."""
        return Ask(self.method, with_query(self.url, parameters), self.body)

    def with_field(self, path: str, value: str) -> Ask:
        """The same, with a field of the JSON body set; `a.b` descends."""
        document: dict[str, Any] = json.loads(self.body or b"{}")
        *above, last = path.split(".")
        place = document
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
        return dataclasses.replace(self, body=json_body(document))

    def at(self, url: str) -> Ask:
        """The same somewhere else."""
        return dataclasses.replace(self, url=url)


class Counted:
    """The same request again and again, but for a number in its query."""

    def __init__(self, ask: Ask, parameter: str) -> None:
        self._ask = ask
        # A parameter that is set comes last.
        self._up_to_it = ask.with_parameters({parameter: ""}).url

    def at(self, number: int) -> Ask:
        """The one with this number."""
        return Ask(self._ask.method, f"{self._up_to_it}{number}", self._ask.body)


def json_body(document: object) -> bytes:
    """JSON as it is sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """A URL with these parameters set, whatever they were; the others stay as they are written."""
    if not parameters:
        return url
    place, _, query = url.partition("#")[0].partition("?")
    kept = [pair for pair in query.split("&") if pair and _name(pair) not in parameters]
    added = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items()]
    return f"{place}?{'&'.join([*kept, *added])}"


def same_origin(one: str, other: str) -> bool:
    """Whether scheme, host and port are the same."""
    return _origin(one) == _origin(other)


def named(source: str, method: str, url: str) -> str:
    """A request as messages name it: no query, no credentials."""
    return _named(source, method, url.partition("?")[0])


@lru_cache(maxsize=256)
def _named(source: str, method: str, place: str) -> str:
    # The pages of a collection differ in nothing but their query.
    address = urlsplit(place)
    return f"{source}: {method} {address.path or '/'} at {address.netloc.rpartition('@')[2]}"


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def _origin(url: str) -> tuple[str, str | None, int | None]:
    address = urlsplit(url)
    return address.scheme, address.hostname, address.port or _PORTS.get(address.scheme)
