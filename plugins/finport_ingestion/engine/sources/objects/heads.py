"""What a service says of an object without giving it: one HEAD, since obstore keeps such headers to itself."""

from __future__ import annotations

import base64
import binascii
import http.client
import re
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from finport_ingestion.engine.errors import SourceUnavailable
from finport_ingestion.engine.network.sockets import connected
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.tcp import secured

_MD5 = re.compile(r"[0-9a-f]{32}")
_SSE = "x-amz-server-side-encryption"


def headers_of(
    url: str, headers: Mapping[str, str], *, tls: ssl.SSLContext, access: Access, what: str
) -> Mapping[str, str] | None:
    """The headers of the answer, names in lower case; None where it is a refusal: who asks for the object learns why.

    Args:
        url: Signed; no message repeats it.

    Raises:
        SourceUnavailable, AddressRefused, ConfigError: No answer comes.
    """
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    seconds = access.deadline.bound(access.request_timeout_seconds)
    reached = connected(host, port, protection=access.protection, timeout_seconds=seconds, what=what)
    if address.scheme == "https":
        reached = secured(reached, tls, host, what=what)
    with reached:
        connection = http.client.HTTPConnection(host, port)
        connection.sock = reached
        try:
            connection.request("HEAD", f"{address.path}?{address.query}".rstrip("?"), headers=dict(headers))
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            # Their text may quote what was sent.
            raise SourceUnavailable(f"{what}: no answer to a HEAD request.", hint="try later") from None
        if answer.status != HTTPStatus.OK:
            return None
        return {name.lower(): ", ".join(answer.headers.get_all(name, ())) for name in answer.headers}


def s3_checksum(headers: Mapping[str, str]) -> str | None:
    """SHA-256 where it was uploaded with one, else the ETag where it is an MD5: of one part, with no key of a KMS."""
    sha256 = headers.get("x-amz-checksum-sha256", "")
    # Of an upload in parts, it is a digest of digests.
    if sha256 and "-" not in sha256 and headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
        return _spelled("sha256", sha256)
    etag = headers.get("etag", "").strip('"')
    encrypted = headers.get(_SSE, "AES256") != "AES256" or f"{_SSE}-customer-algorithm" in headers
    return f"md5:{etag}" if _MD5.fullmatch(etag) and not encrypted else None


def azure_checksum(headers: Mapping[str, str]) -> str | None:
    """The MD5 that the uploader stated, or Azure computed of a blob in one part."""
    return _spelled("md5", headers.get("content-md5", ""))


def google_checksum(headers: Mapping[str, str]) -> str | None:
    """The MD5 of what is stored; objects that were composed have none."""
    stated = dict(part.strip().split("=", 1) for part in headers.get("x-goog-hash", "").split(",") if "=" in part)
    return _spelled("md5", stated.get("md5", ""))


def _spelled(kind: str, encoded: str) -> str | None:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
    return f"{kind}:{digest.hex()}" if digest else None
