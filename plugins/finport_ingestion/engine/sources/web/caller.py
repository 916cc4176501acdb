"""Single small requests over a source's checked way: to token servers, for whatever protocol needs them."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import aiohttp
from yarl import URL

from finport_ingestion.engine.auth.interface import Reply, Request
from finport_ingestion.engine.network.runner import run
from finport_ingestion.engine.network.tls import client_tls
from finport_ingestion.engine.resilience.wire import translated
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.asked import named
from finport_ingestion.engine.sources.web.body import Body, read_all
from finport_ingestion.engine.sources.web.way import Way, cut, open_session, plain_headers, timeout_of

_LIMIT_BYTES = 8 << 20


def caller(access: Access, tls: ssl.SSLContext | None = None) -> Callable[[Request], Reply]:
    """What sends a request and gives the whole answer, whatever its status; of any thread.

    It follows no redirects, tries nothing again and signs nothing. These requests do not pass the source's gate: they
    go to another server, whose quotas and failures are not the source's.

    Args:
        tls: With a client certificate, where one is needed; the source's plain one by default.

    Raises:
        ConfigError: TLS cannot be set up. The call: as `translated` and `Way.check` say, and DeadlineExceeded.
    """
    context = tls or client_tls(access.protection, source=access.source)
    return lambda request: run(_answer(access, context, request))


async def _answer(access: Access, tls: ssl.SSLContext, request: Request) -> Reply:
    what = named(access.source, request.method, request.url)
    way = Way(access)
    await way.check(request.url)
    async with await open_session(access, way, tls) as session:
        try:
            response = await session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=dict(request.headers),
                data=request.body or None,
                allow_redirects=False,
                timeout=timeout_of(access),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translated(error, what) from None
        try:
            body = await read_all(Body(response, what=what, deadline=access.deadline), limit_bytes=_LIMIT_BYTES)
        finally:
            cut(response)
    return Reply(
        status=response.status,
        headers=plain_headers(response),
        body=body,
        cookies=tuple(response.headers.getall("Set-Cookie", ())),
    )
