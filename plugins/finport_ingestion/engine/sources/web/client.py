"""One client for one source: signed requests that pass the gate, within the deadline, and errors of ours."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from finport_ingestion import __version__
from finport_ingestion.engine.auth.interface import Request, Signer
from finport_ingestion.engine.errors import PermanentError, SourceUnavailable
from finport_ingestion.engine.network.runner import finish, in_thread, run
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.resilience.wire import translated
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.answers import (
    html_error,
    is_good,
    is_html,
    page_start,
    refusal,
    told_to_the_gate,
)
from finport_ingestion.engine.sources.web.asked import Ask, named, same_origin
from finport_ingestion.engine.sources.web.signing import secrets_of, signer_of
from finport_ingestion.engine.sources.web.way import ServerLostError, Way, cut, open_session, timeout_of

log = logging.getLogger(__name__)

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_WITH_ITS_BODY = {307, 308}
_REPEATABLE = {"GET", "HEAD"}
_HEADERS = {
    "User-Agent": f"finport-ingestion/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebClient:
    """Made by `web_client`; its coroutines are for the loop of network/runner.py. No message repeats `secrets`."""

    access: Access
    session: aiohttp.ClientSession = field(repr=False)
    way: Way = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    signer: Signer | None = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def what(self, ask: Ask) -> str:
        """The request as messages name it: no query."""
        return named(self.access.source, ask.method, ask.url)

    async def get(self, ask: Ask, *, headers: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
        """The head of a good answer; the caller lets go of it by `cut`.

        Raises:
            AccessDenied, SourceItemMissing, RateLimited, SourceUnavailable, PermanentError: By status.
            FormatError: It is a page for people.
        """
        response = await self.answer(ask, headers=headers)
        try:
            await self.check(ask, response)
        except BaseException:
            cut(response)
            raise
        return response

    async def answer(self, ask: Ask, *, headers: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
        """The head of the answer, whatever its status; the caller lets go of it by `cut`.

        Raises:
            SourceUnavailable, ConfigError: It cannot be had.
            PermanentError: It leads to another server.
        """
        asked = ask
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._signed_answer(asked, headers)
            location = response.headers.get("Location") if response.status in _REDIRECTS else None
            if location is None:
                return response
            cut(response)
            asked = self._redirected(ask, asked, response.status, location)
        raise PermanentError(f"{self.what(ask)} leads on and on.", hint="check the source's path and its credentials")

    async def check(self, ask: Ask, response: aiohttp.ClientResponse) -> None:
        """Raise what an answer's status stands for, and what a page for people does."""
        if is_good(response) and (ask.method == "HEAD" or not is_html(response)):
            return
        what = self.what(ask)
        credentials = self.access.auth_connection or self.access.connection
        connection = f"connection '{credentials.id}'" if credentials else "the source"
        now = self.access.deadline.clock.now()
        if error := refusal(response, what=what, connection=connection, now=now):
            raise error
        start = await page_start(response, what=what, deadline=self.access.deadline)
        raise html_error(start, what=what, secrets=self.secrets)

    def _redirected(self, first: Ask, asked: Ask, status: int, location: str) -> Ask:
        url = urljoin(asked.url, location)
        if not same_origin(url, first.url):
            raise PermanentError(
                f"{self.what(first)} leads to another server, {URL(url, encoded=True).raw_host}.",
                hint="if that is right, make it the connection's host",
            )
        if status in _WITH_ITS_BODY or asked.method != "POST":
            return asked.at(url)
        return Ask("GET", url)

    async def _signed_answer(self, ask: Ask, headers: Mapping[str, str] | None) -> aiohttp.ClientResponse:
        plain = self._request(ask, headers)
        signer = self.signer
        if signer is None:
            return await self._sent(plain)
        # In a thread: it may wait for a token server, whose answer comes through this very loop.
        signed = await in_thread(partial(signer.signed, plain))
        response = await self._sent(signed)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        try:
            worth_it = await in_thread(partial(signer.renew, signed))
        except BaseException:
            cut(response)
            raise
        if not worth_it:
            return response
        cut(response)
        return await self._sent(await in_thread(partial(signer.signed, plain)))

    def _request(self, ask: Ask, headers: Mapping[str, str] | None) -> Request:
        if ask.body is None and headers is None:
            return Request(method=ask.method, url=ask.url, headers=self.headers)
        stated = CIMultiDict(self.headers)
        if ask.body is not None:
            stated["Content-Type"] = "application/json"
        stated.update(headers or {})
        return Request(method=ask.method, url=ask.url, headers=stated, body=ask.body or b"")

    async def _sent(self, request: Request) -> aiohttp.ClientResponse:
        await self.way.check(request.url)
        if request.method in _REPEATABLE:
            try:
                return await self._sent_once(request)
            except ServerLostError:
                # Servers end connections that they kept for a while, and that says nothing against them.
                self.access.gate.report(Answer(outcome="given up"))
        try:
            return await self._sent_once(request)
        except ServerLostError as error:
            self.access.gate.report(Answer(outcome="failed"))
            raise translated(error, named(self.access.source, request.method, request.url)) from None

    async def _sent_once(self, request: Request) -> aiohttp.ClientResponse:
        await self._admitted()
        gate, began = self.access.gate, time.monotonic()
        try:
            response = await self._exchange(request)
        except ServerLostError:
            raise
        except SourceUnavailable:
            gate.report(Answer(outcome="failed", seconds=time.monotonic() - began))
            raise
        except BaseException:
            # An end that is our own doing says nothing against the server.
            gate.report(Answer(outcome="given up"))
            raise
        seconds = time.monotonic() - began
        gate.report(told_to_the_gate(response, now=self.access.deadline.clock.now(), seconds=seconds))
        if log.isEnabledFor(logging.DEBUG):
            what = named(self.access.source, request.method, request.url)
            log.debug("%s: %d in %.3f s", what, response.status, seconds)
        return response

    async def _exchange(self, request: Request) -> aiohttp.ClientResponse:
        try:
            return await self.session.request(
                request.method,
                URL(request.url, encoded=True),
                # The session sends its own; to hand them in again would be to copy them twice.
                headers=None if request.headers is self.headers else request.headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=timeout_of(self.access),
            )
        except ServerLostError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translated(error, named(self.access.source, request.method, request.url)) from None

    async def _admitted(self) -> None:
        """Pass the gate. Of the requests of one client one waits in a thread, the others behind it."""
        gate, deadline = self.access.gate, self.access.deadline
        if self.turn.locked() or not gate.admitted_now():
            async with self.turn:
                await in_thread(partial(gate.admit, deadline))


@contextmanager
def web_client(access: Access, *, base_url: str, headers: Mapping[str, str]) -> Iterator[WebClient]:
    """A client that lives as long as the block.

    Raises:
        ConfigError: TLS, proxy or credentials cannot be set up.
    """
    tls = client_tls(access.protection, source=access.source)
    signer = signer_of(access, base_url=base_url, tls=tls)
    client = run(_opened(access, tls, signer, headers))
    try:
        yield client
    finally:
        finish(client.session.close())


async def _opened(access: Access, tls: ssl.SSLContext, signer: Signer | None, headers: Mapping[str, str]) -> WebClient:
    way, each = Way(access), CIMultiDict({**_HEADERS, **headers})
    return WebClient(
        access=access,
        session=await open_session(access, way, tls, each),
        way=way,
        headers=each,
        signer=signer,
        secrets=secrets_of(access),
    )
