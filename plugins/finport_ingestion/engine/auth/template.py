"""Texts that are signed, put together out of the parts of a request: `{timestamp}{method}{target}{body}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from finport_ingestion.engine.auth.interface import Request

PLACE = re.compile(r"\{([a-z]+)\}")
OF_REQUEST = ("method", "host", "path", "query", "target", "body")
"""What `parts_of` gives; `target` is the path with `?` and the query, if there is one."""


def parts_of(request: Request) -> dict[str, bytes]:
    """The parts of a request as they go over the wire."""
    url = urlsplit(request.url)
    path = url.path or "/"
    return {
        "method": request.method.upper().encode(),
        "host": url.netloc.rpartition("@")[2].encode(),
        "path": path.encode(),
        "query": url.query.encode(),
        "target": f"{path}?{url.query}".encode() if url.query else path.encode(),
        "body": request.body,
    }


def filled(template: str, parts: Mapping[str, bytes]) -> bytes:
    """The template with its parts; every place it names must be among them."""
    pieces = PLACE.split(template)
    return b"".join(parts[piece] if number % 2 else piece.encode() for number, piece in enumerate(pieces))


def unknown_places(template: str, known: tuple[str, ...]) -> list[str]:
    """What a template names that there is not."""
    return [name for name in PLACE.findall(template) if name not in known]
