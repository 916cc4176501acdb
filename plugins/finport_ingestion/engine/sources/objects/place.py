"""A bucket as the shared part sees it: where it is, and how a client of it is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import ConfigError
from finport_ingestion.engine.sources.interface import Access

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Made = Callable[[dict[str, Any]], "ObjectStore"]
"""Makes obstore's client out of what all of them take: `client_options` and `retry_config`."""

Signed = Callable[["ObjectStore", str], tuple[str, Mapping[str, str]]]
"""The URL and the headers of a HEAD request for a key, signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One bucket (or container), and what the protocol of its keeper knows."""

    name: str  # of the bucket
    word: str  # what its keeper calls it: bucket, container
    url: str  # of the service, without any secret
    made: Made = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every request
    head: Signed | None = field(default=None, repr=False)  # None where none can be signed
    checksum: Callable[[Mapping[str, str]], str | None] = lambda headers: None  # that an answer's headers state

    @property
    def title(self) -> str:
        """For messages: `bucket 'prices' at s3.eu-central-1.amazonaws.com`."""
        return f"{self.word} '{self.name}' at {urlsplit(self.url).netloc}"


def extra_of(spec: ConnectionSpec, name: str, *, prefix: str) -> str | None:
    """A field of a connection's extra as text, also under the longer name of older Airflow; objects come as JSON."""
    found = spec.extra.get(name) or spec.extra.get(f"{prefix}{name}")
    if isinstance(found, Mapping):
        return json.dumps(dict(found))
    return str(found) if found else None


def endpoint(url: str, *, access: Access) -> str:
    """The URL of a service, checked, without a slash at its end.

    Raises:
        ConfigError: It is none, holds credentials or a query, or travels without TLS although it must not.
    """
    connection = f"connection '{access.connection.id}'" if access.connection else "the source"
    wrong = ConfigError(
        f"{access.source}: the endpoint of {connection} is no URL like https://storage.example.com.",
        hint="correct 'endpoint_url' in the connection's extra, or its host; credentials never stand in it",
    )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query or port == 0:
        raise wrong
    if parts.scheme == "http":
        access.protection.demand_tls(
            what=f"{access.source}: requests to {parts.netloc}", fix="state the endpoint with https://"
        )
    return url.rstrip("/")
