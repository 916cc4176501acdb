"""What the headers of an answer say about its body: type, size, version, digest."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import aiohttp
from multidict import istr

# Names of headers that are looked up for every page.
_CONTENT_TYPE, _CONTENT_ENCODING = istr("Content-Type"), istr("Content-Encoding")
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
_DIGESTS_OF_THE_WHOLE = ("Repr-Digest", "Digest")
_DIGESTS_OF_WHAT_IS_SENT = ("Content-Digest",)
_DIGESTS = tuple(map(istr, (*_DIGESTS_OF_THE_WHOLE, *_DIGESTS_OF_WHAT_IS_SENT, "Content-MD5")))
_SUFFIXES = {
    "application/json": ".json",
    "application/x-ndjson": ".ndjson",
    "application/jsonl": ".ndjson",
    "application/vnd.apache.parquet": ".parquet",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "text/tab-separated-values": ".tsv",
    "application/gzip": ".gz",
    "application/zip": ".zip",
}


def media_type(response: aiohttp.ClientResponse) -> str | None:
    """`text/csv` out of `text/csv; charset=utf-8`."""
    return _bare(response.headers.get(_CONTENT_TYPE, ""))


def suffix(kind: str | None, url: str) -> str:
    """Of a file name for a body: what its type says, else what the path of the URL ends with."""
    return _suffix(kind or "", url.partition("?")[0])


# The pages of a collection are alike in both.
@lru_cache(maxsize=256)
def _bare(content_type: str) -> str | None:
    return content_type.partition(";")[0].strip().lower() or None


@lru_cache(maxsize=256)
def _suffix(kind: str, place: str) -> str:
    if kind.endswith("+json"):
        return ".json"
    name = unquote(urlsplit(place).path).rpartition("/")[2]
    return _SUFFIXES.get(kind) or (f".{name.rpartition('.')[2].lower()}" if "." in name.strip(".") else "")


def encoding(response: aiohttp.ClientResponse) -> str:
    """How the bytes on the wire, which lengths and digests count, differ from those that are landed; `` if not."""
    stated = response.headers.get(_CONTENT_ENCODING)
    if stated is None:
        return ""
    stated = stated.strip().lower()
    return "" if stated == "identity" else stated


def stated_size(response: aiohttp.ClientResponse) -> int | None:
    """Bytes of the body, when the server says."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and not encoding(response) else None


def strong_etag(response: aiohttp.ClientResponse) -> str | None:
    """The ETag, where it stands for these very bytes."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else None


def modified_at(response: aiohttp.ClientResponse) -> datetime | None:
    """The Last-Modified header, aware; None where there is no usable one."""
    try:
        moment = parsedate_to_datetime(response.headers.get("Last-Modified", ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def stated_checksum(response: aiohttp.ClientResponse) -> str | None:
    """`sha256:<hex>` or `md5:<hex>` of the body as it is landed, when the server says."""
    digest = stated_digest(response)
    return f"{digest[0]}:{digest[1]}" if digest and digest[0] != "sha512" and not encoding(response) else None


def stated_digest(response: aiohttp.ClientResponse) -> tuple[str, str] | None:
    """The strongest digest of the bytes on the wire that the headers state, as (algorithm, hex)."""
    if not any(map(response.headers.__contains__, _DIGESTS)):
        return None
    stated = _stated_digests(response)
    for algorithm in ("sha256", "sha512", "md5"):
        decoded = _from_base64(stated.get(algorithm, ""))
        if len(decoded) == hashlib.new(algorithm, usedforsecurity=False).digest_size:
            return algorithm, decoded.hex()
    return None


def _stated_digests(response: aiohttp.ClientResponse) -> dict[str, str]:
    names: tuple[str, ...] = _DIGESTS_OF_WHAT_IS_SENT
    # Of a part, these are about the whole; of nothing, as HEAD has it, only these are.
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        names = _DIGESTS_OF_THE_WHOLE if response.method == "HEAD" else (*_DIGESTS_OF_THE_WHOLE, *names)
    stated: dict[str, str] = {}
    for name in names:
        for member in response.headers.get(name, "").split(","):
            algorithm, _, value = member.strip().partition("=")
            stated.setdefault(_ALGORITHMS.get(algorithm.lower(), ""), value.strip(":"))
    stated.setdefault("md5", response.headers.get("Content-MD5", ""))
    return stated


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
