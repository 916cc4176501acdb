"""The bytes of an answer as a file, checked against what its headers promise."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Iterator
from typing import IO

import httpx

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError
from finport_ingestion.engine.resilience.wire import told_in_our_errors

_BUFFER_BYTES = 1 << 18
_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
_DIGEST_HEADERS = ("Repr-Digest", "Content-Digest", "Digest")
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


def media_type(response: httpx.Response) -> str | None:
    """`text/csv` out of `text/csv; charset=utf-8`."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() or None


def suffix(response: httpx.Response) -> str:
    """Of a file name for the body: what its type says, else what the path ends with."""
    kind = media_type(response) or ""
    if kind.endswith("+json"):
        return ".json"
    name = response.request.url.path.rpartition("/")[2]
    return _SUFFIXES.get(kind) or (f".{name.rpartition('.')[2].lower()}" if "." in name.strip(".") else "")


def is_encoded(response: httpx.Response) -> bool:
    """Whether the bytes on the wire (which lengths and digests count) are not those that are landed."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


def stated_size(response: httpx.Response) -> int | None:
    """Bytes of the body, when the server says."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and not is_encoded(response) else None


def stated_checksum(response: httpx.Response) -> str | None:
    """`sha256:<hex>` or `md5:<hex>` of the body as it is landed, when the server says."""
    digest = _digest(response)
    return f"{digest[0]}:{digest[1]}" if digest and digest[0] != "sha512" and not is_encoded(response) else None


def _digest(response: httpx.Response) -> tuple[str, str] | None:
    """The strongest digest of the bytes on the wire that the headers state, as (algorithm, hex)."""
    stated: dict[str, str] = {}
    for name in _DIGEST_HEADERS:
        for member in response.headers.get(name, "").split(","):
            algorithm, _, value = member.strip().partition("=")
            stated.setdefault(_ALGORITHMS.get(algorithm.lower(), ""), value.strip(":"))
    stated.setdefault("md5", response.headers.get("Content-MD5", ""))
    for algorithm in ("sha256", "sha512", "md5"):
        decoded = _from_base64(stated.get(algorithm, ""))
        if len(decoded) == hashlib.new(algorithm, usedforsecurity=False).digest_size:
            return algorithm, decoded.hex()
    return None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


class _Checked(httpx.SyncByteStream):
    """The wire's bytes on their way to the decoder, counted into a digest that is compared at the end."""

    def __init__(self, response: httpx.Response, *, algorithm: str, expected: str, what: str) -> None:
        self._stream = response.stream
        self._sum = hashlib.new(algorithm, usedforsecurity=False)
        self._expected = expected
        self._what = what

    def __iter__(self) -> Iterator[bytes]:
        if not isinstance(self._stream, httpx.SyncByteStream):
            raise TypeError("the response of a synchronous client is needed")
        for chunk in self._stream:
            self._sum.update(chunk)
            yield chunk
        if self._sum.hexdigest() != self._expected:
            raise ChecksumMismatch(
                f"{self._what}: the body is not the one whose {self._sum.name} the server states.",
                hint="fetch again; if it stays so, ask the provider, and look for a proxy that changes bodies",
            )

    def close(self) -> None:
        if isinstance(self._stream, httpx.SyncByteStream):
            self._stream.close()


def open_body(response: httpx.Response, *, what: str, deadline: Deadline) -> IO[bytes]:
    """A response's body, decoded, read as it arrives. Closing it closes the response."""
    return io.BufferedReader(_Body(response, what=what, deadline=deadline), buffer_size=_BUFFER_BYTES)


class _Body(io.RawIOBase):
    def __init__(self, response: httpx.Response, *, what: str, deadline: Deadline) -> None:
        super().__init__()
        self._response = response
        self._what = what
        self._deadline = deadline
        if digest := _digest(response):
            response.stream = _Checked(response, algorithm=digest[0], expected=digest[1], what=what)
        self._chunks = response.iter_bytes()
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Raises SourceUnavailable where the connection ends too soon, DeadlineExceeded, ChecksumMismatch."""
        while not self._left:
            self._deadline.check()
            with told_in_our_errors(self._what):
                chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()


def read_page(stream: IO[bytes], *, limit_bytes: int, what: str) -> bytes:
    """The whole body; the stream is closed.

    Raises:
        PermanentError: It is larger than the limit.
    """
    with stream:
        content = stream.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise PermanentError(
            f"{what}: the page is larger than {limit_bytes} bytes.",
            hint="ask for fewer records a page, or for pagination 'none', which is not held in memory",
        )
    return content
