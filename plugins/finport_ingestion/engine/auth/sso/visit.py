"""A visit to web servers as a browser makes it: cookies are kept, redirects and forms are followed, to named hosts."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Mapping
from email.message import Message
from http import HTTPStatus
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import cast
from urllib.parse import urlencode, urljoin, urlsplit

from finport_ingestion.engine.auth.interface import Grant, Reply, Request
from finport_ingestion.engine.errors import AccessDenied, ConfigError, RateLimited, SourceUnavailable
from finport_ingestion.engine.resilience.wire import retry_after_seconds

_REDIRECTS = {301, 302, 303, 307, 308}


class Visit:
    """One visit. Nothing is sent to a host that is not among the `origins`, wherever an answer may lead."""

    def __init__(self, grant: Grant, *, origins: Iterable[str]) -> None:
        self._grant = grant
        self._origins = {origin(url) for url in origins}
        self._jar = CookieJar()

    def get(self, url: str) -> Reply:
        """The answer to a GET, which may be a redirect."""
        return self._send("GET", url, {}, b"")

    def post(self, url: str, fields: Mapping[str, str]) -> Reply:
        """The answer to a form."""
        return self.post_body(url, urlencode(fields).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def post_body(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to a body of any kind."""
        return self._send("POST", url, headers, body)

    def cookies_for(self, url: str) -> str:
        """The Cookie header for an address; empty where there are none."""
        carrier = urllib.request.Request(url)  # noqa: S310  (nothing is opened; it only carries the address)
        self._jar.add_cookie_header(carrier)
        return carrier.get_header("Cookie") or ""

    def what(self, method: str, url: str) -> str:
        """A request as messages name it."""
        address = urlsplit(url)
        return f"{self._grant.source}: {method} {address.path} (login) at {address.netloc.rpartition('@')[2]}"

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if origin(url) not in self._origins:
            raise AccessDenied(
                f"{self._grant.source}: the login leads to another server, {urlsplit(url).hostname}.",
                hint="if that is right, name it in the Authentication",
            )
        if urlsplit(url).scheme != "https":
            self._grant.protection.demand_tls(what=self.what(method, url), fix="use https://")
        cookies = self.cookies_for(url)
        sent = {**headers, **({"Cookie": cookies} if cookies else {})}
        reply = self._grant.send(Request(method=method, url=url, headers=sent, body=body))
        self._keep_cookies(reply, url)
        self._check(reply, self.what(method, url))
        return reply

    def _keep_cookies(self, reply: Reply, url: str) -> None:
        carrier = urllib.request.Request(url)  # noqa: S310
        self._jar.extract_cookies(cast("HTTPResponse", _Headers(reply)), carrier)

    def _check(self, reply: Reply, what: str) -> None:
        status = reply.status
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after_seconds(reply.headers.get("retry-after"), now=self._grant.clock.now())
            raise RateLimited(f"{what}: answers 429.", retry_after_seconds=wait, hint="log in less often")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SourceUnavailable(f"{what}: answers {status}.", hint="try later; ask the provider if it lasts")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AccessDenied(f"{what}: answers {status}.", hint="check the connection's login and password")
        if status >= HTTPStatus.BAD_REQUEST:
            raise ConfigError(f"{what}: answers {status}.", hint="check the addresses of the Authentication")


class _Headers:
    """As `http.cookiejar` wants them."""

    def __init__(self, reply: Reply) -> None:
        self._message = Message()
        for line in reply.cookies:
            self._message["Set-Cookie"] = line

    def info(self) -> Message:
        return self._message


def leads_to(reply: Reply, url: str) -> str | None:
    """Where a redirect leads; None where the answer is none."""
    location = reply.headers.get("location")
    return urljoin(url, location) if reply.status in _REDIRECTS and location else None


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    address = urlsplit(url)
    return address.scheme, address.hostname, address.port or {"https": 443, "http": 80}.get(address.scheme)
