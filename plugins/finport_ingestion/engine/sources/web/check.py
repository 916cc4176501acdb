"""Asking about a collection without taking it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Sequence
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from finport_ingestion.engine.errors import SourceItemMissing
from finport_ingestion.engine.records import SourceItem
from finport_ingestion.engine.sources.web.asked import Ask
from finport_ingestion.engine.sources.web.client import WebClient
from finport_ingestion.engine.sources.web.facts import (
    encoding,
    media_type,
    modified_at,
    stated_checksum,
    stated_size,
    strong_etag,
)
from finport_ingestion.engine.sources.web.in_order import InOrder
from finport_ingestion.engine.sources.web.way import cut

# Servers that know no HEAD say so in many ways; then GET decides. Only these are about more than the method.
_DECISIVE = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}
_NO_HEAD = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED}
_MOST_RANGES = 10


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What is to be found out about each item of a listing."""

    facts: bool  # ETag and what else there is
    whole: bool  # one answer is all of it: its size, time and type are the item's
    there: bool  # whether it is there at all


async def answered(client: WebClient, asks: Sequence[Ask]) -> str:
    """One sentence about the server that answered the first of `asks` that is there. Raises what the last one does."""
    status = 0
    for number, ask in enumerate(asks, start=1):
        try:
            status = await _status(client, ask)
        except SourceItemMissing:
            if number == len(asks):
                raise
        else:
            break
    address = urlsplit(asks[0].url)
    protection = "over TLS" if address.scheme == "https" else "without TLS"
    logged_in = ", credentials accepted" if client.access.auth else ""
    return f"{address.hostname} answers {status} {protection}{logged_in}."


async def listed(
    client: WebClient, items: Sequence[tuple[SourceItem, Ask]], questions: Questions
) -> AsyncIterator[SourceItem]:
    """The items with the facts that the server states, without those that are not there, in their order."""
    asking = InOrder(partial(_item_of, client, questions), most=client.access.connections)
    asking.expect(iter(items))
    try:
        for item in items:
            found = await asking.take(item)
            if found:
                yield found
    finally:
        await asking.close()


async def _item_of(client: WebClient, questions: Questions, item: tuple[SourceItem, Ask]) -> SourceItem | None:
    bare, ask = item
    response = await _head(client, ask)
    if response is None:
        return bare if not questions.there or await _is_there(client, ask) else None
    if not questions.facts:
        return bare
    known = dataclasses.replace(bare, etag=response.headers.get("ETag"))
    if not questions.whole:
        return known
    # Some servers give HEAD the length of the body that it does not have.
    size = stated_size(response) or None
    return dataclasses.replace(
        known,
        size_bytes=size,
        modified_at=modified_at(response),
        media_type=media_type(response),
        checksum=stated_checksum(response),
        ranges=min(_MOST_RANGES, client.access.connections) if size and _gives_ranges(response) else 0,
    )


def _gives_ranges(response: aiohttp.ClientResponse) -> bool:
    """Whether parts of this very version can be asked for."""
    by_bytes = response.headers.get("Accept-Ranges", "").strip().lower() == "bytes"
    return by_bytes and strong_etag(response) is not None and not encoding(response)


async def _status(client: WebClient, ask: Ask) -> int:
    response = await _head(client, ask)
    if response is None:
        response = await client.get(ask)
        cut(response)
    return response.status


async def _is_there(client: WebClient, ask: Ask) -> bool:
    try:
        cut(await client.get(ask))
    except SourceItemMissing:
        return False
    return True


async def _head(client: WebClient, ask: Ask) -> aiohttp.ClientResponse | None:
    """A good answer to HEAD, None where only the request itself can tell."""
    if ask.method != "GET":
        return None
    head = dataclasses.replace(ask, method="HEAD")
    response = await client.answer(head)
    cut(response)
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return response
    if status in _DECISIVE or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _NO_HEAD):
        await client.check(head, response)
    return None
