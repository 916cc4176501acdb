"""Where a token server is: stated, below the source's base URL, or found by OpenID Connect Discovery 1.0."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from finport_ingestion.engine.auth.interface import Grant, Request
from finport_ingestion.engine.errors import ConfigError, SourceUnavailable

_WELL_KNOWN = "/.well-known/openid-configuration"
_BELIEVED = timedelta(hours=1)

_found: dict[str, tuple[datetime, dict[str, Any]]] = {}
_lock = threading.Lock()


def absolute(stated: str, grant: Grant, *, key: str) -> str:
    """An address of a document as an absolute one over TLS.

    Args:
        key: Where it is stated, e.g. `tokenUrl`.

    Raises:
        ConfigError: It is relative to nothing, or without TLS where the source demands it.
    """
    url = stated
    if "://" not in stated:
        if grant.base_url is None:
            raise ConfigError(
                f"{grant.source}: {key} '{stated}' is relative, and the source has no base URL.",
                hint=f"state {key} with https:// and its host",
            )
        url = f"{grant.base_url.rstrip('/')}/{stated.lstrip('/')}"
    address = urlsplit(url)
    if address.scheme not in ("https", "http") or not address.hostname:
        raise ConfigError(f"{grant.source}: {key} is no address of a web server.", hint=f"begin {key} with https://")
    if address.scheme != "https":
        grant.protection.demand_tls(
            what=f"{grant.source}: the credentials for {address.hostname} ({key})", fix=f"use https:// for {key}"
        )
    return url


def metadata(issuer: str, grant: Grant) -> dict[str, Any]:
    """What the issuer says of itself; believed for an hour.

    Raises:
        ConfigError: It is no issuer, or says it is another one.
        SourceUnavailable: It does not answer, or not now.
    """
    issuer = absolute(issuer, grant, key="issuer")
    now = grant.clock.now()
    with _lock:
        at, known = _found.get(issuer, (now - _BELIEVED, {}))
    if known and now - at < _BELIEVED:
        return known
    found = _asked(issuer, grant)
    with _lock:
        _found[issuer] = now, found
    return found


def _asked(issuer: str, grant: Grant) -> dict[str, Any]:
    url = f"{issuer.rstrip('/')}{_WELL_KNOWN}"
    what = f"{grant.source}: GET {urlsplit(url).path} at {urlsplit(url).netloc}"
    reply = grant.send(Request(method="GET", url=url, headers={"Accept": "application/json"}))
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise SourceUnavailable(f"{what}: the issuer answers {reply.status}.", hint="try later")
    try:
        content = json.loads(reply.body) if reply.status == HTTPStatus.OK else None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{what}: no metadata of OpenID Connect (status {reply.status}).", hint="check issuer, or state tokenUrl"
        )
    if content.get("issuer") != issuer:
        # A server that answers for another issuer could collect that one's credentials.
        raise ConfigError(
            f"{what}: the metadata are of another issuer.", hint="write issuer exactly as it names itself"
        )
    return content


def endpoint(name: str, issuer: str, grant: Grant, *, by_certificate: bool = False) -> str:
    """The address that the issuer states as `name`, e.g. `token_endpoint`.

    Args:
        by_certificate: The one for clients that prove themselves by their TLS certificate (RFC 8705), if it differs.

    Raises:
        ConfigError: It states none, or one without TLS.
    """
    stated = metadata(issuer, grant)
    aliases = stated.get("mtls_endpoint_aliases")
    found = aliases.get(name) if by_certificate and isinstance(aliases, dict) else None
    found = found or stated.get(name)
    if not isinstance(found, str):
        raise ConfigError(f"{grant.source}: the issuer states no {name}.", hint="ask the provider for the address")
    return absolute(found, grant, key=name)
