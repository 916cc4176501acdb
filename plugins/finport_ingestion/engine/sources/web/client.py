"""One client for one source: signed requests within rate and deadline, and errors of ours instead of httpx's."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from finport_ingestion import __version__
from finport_ingestion.engine.auth.interface import Grant, Reply, Request, Signer
from finport_ingestion.engine.auth.registry import METHODS
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.resilience.wire import told_in_our_errors
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.answers import html_error, is_html, page_start, refusal

_MOST_REDIRECTS = 5


class _NoQueries(logging.Filter):
    """httpx logs whole URLs at INFO; a query may hold a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                value.copy_with(query=None) if isinstance(value, httpx.URL) else value for value in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_NoQueries())


@dataclass(frozen=True, slots=True, kw_only=True)
class WebClient:
    """Made by `web_client`. `secrets` are what no message may repeat."""

    access: Access
    client: httpx.Client = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def what(self, method: str, url: httpx.URL) -> str:
        """The request as messages name it: no query."""
        return f"{self.access.source}: {method} {url.path} at {url.netloc.decode('ascii')}"

    def answer(self, method: str, url: httpx.URL) -> httpx.Response:
        """The head of the answer, whatever its status; the caller closes it.

        Raises:
            SourceUnavailable, ConfigError: It cannot be had.
            PermanentError: It leads to another server.
        """
        request = self._request(method, url)
        for _ in range(_MOST_REDIRECTS):
            response = self._send(request)
            following = response.next_request
            if following is None:
                return response
            response.close()
            if not same_origin(following.url, url):
                raise PermanentError(
                    f"{self.what(method, url)} leads to another server, {following.url.host}.",
                    hint="if that is right, make it the connection's host",
                )
            request = self._request(method, following.url)
        raise PermanentError(
            f"{self.what(method, url)} leads on and on.", hint="check the source's path and its credentials"
        )

    def get(self, url: httpx.URL) -> httpx.Response:
        """The head of a good answer; the caller closes it.

        Raises:
            AccessDenied, SourceItemMissing, RateLimited, SourceUnavailable, PermanentError: By status.
            FormatError: It is a page for people.
        """
        response = self.answer("GET", url)
        try:
            self.check(response)
        except BaseException:
            response.close()
            raise
        return response

    def check(self, response: httpx.Response) -> None:
        """Raise what an answer's status stands for, and what a page for people does."""
        what = self.what(response.request.method, response.request.url)
        credentials = self.access.auth_connection or self.access.connection
        connection = f"connection '{credentials.id}'" if credentials else "the source"
        now = self.access.deadline.clock.now()
        if error := refusal(response, what=what, connection=connection, now=now):
            raise error
        if is_html(response) and response.request.method == "GET":
            with told_in_our_errors(what):
                start = page_start(response)
            raise html_error(start, what=what, secrets=self.secrets)

    def _request(self, method: str, url: httpx.URL) -> httpx.Request:
        with told_in_our_errors(self.what(method, url)):
            timeout = self.access.deadline.bound(self.access.request_timeout_seconds)
            return self.client.build_request(method, url, timeout=timeout)

    def _send(self, request: httpx.Request) -> httpx.Response:
        self.access.gate.admit(self.access.deadline)
        with told_in_our_errors(self.what(request.method, request.url)):
            return self.client.send(request, stream=True)


@contextmanager
def web_client(access: Access, *, base_url: str, headers: Mapping[str, str]) -> Iterator[WebClient]:
    """A client that lives as long as the block.

    Raises:
        ConfigError: TLS, proxy or credentials cannot be set up.
    """
    tls = client_tls(access.protection, source=access.source)
    what = f"{access.source}: setting up HTTP for connection '{access.connection.id if access.connection else ''}'"
    with told_in_our_errors(what):
        # Proxies of the environment are not used: where data and credentials go is for the connection to say.
        client = httpx.Client(
            verify=tls,
            auth=_auth(access, base_url, tls),
            headers={"User-Agent": f"finport-ingestion/{__version__}", **headers},
            proxy=access.protection.proxy,
            trust_env=False,
            timeout=access.request_timeout_seconds,
        )
    with client:
        yield WebClient(access=access, client=client, secrets=_secrets(access))


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether scheme, host and port are the same."""
    return _origin(one) == _origin(other)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _auth(access: Access, base_url: str, tls: ssl.SSLContext) -> httpx.Auth | None:
    if access.auth is None:
        return None

    def send(request: Request) -> Reply:
        address = urlsplit(request.url)
        what = f"{access.source}: {request.method} {address.path} at {address.netloc.rpartition('@')[2]}"
        timeout = access.deadline.bound(access.request_timeout_seconds)
        with told_in_our_errors(what), httpx.Client(verify=tls, timeout=timeout, trust_env=False) as client:
            got = client.request(request.method, request.url, headers=dict(request.headers), content=request.body)
        return Reply(status=got.status_code, headers=dict(got.headers.items()), body=got.content)

    grant = Grant(
        source=access.source,
        connection=access.auth_connection or access.connection,
        clock=access.deadline.clock,
        send=send,
        base_url=base_url,
    )
    method = METHODS.get(access.auth.method)(access.auth, grant)
    method.prepare(tls)
    return _Signed(method.signer())


class _Signed(httpx.Auth):
    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        plain = Request(
            method=request.method, url=str(request.url), headers=dict(request.headers.items()), body=request.content
        )
        signed = self._signer.signed(plain)
        response = yield _as_httpx(request, signed)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self._signer.renew(signed):
            yield _as_httpx(request, self._signer.signed(plain))


def _as_httpx(request: httpx.Request, signed: Request) -> httpx.Request:
    request.url = httpx.URL(signed.url)
    request.headers.update(signed.headers)
    return request


def _secrets(access: Access) -> tuple[str, ...]:
    connections = [found for found in (access.connection, access.auth_connection) if found]
    stated = [connection.secret() for connection in connections]
    return tuple(secret for secret in (*stated, getattr(access.auth, "client_secret", None)) if secret)
