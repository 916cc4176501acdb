"""The bytes of an answer, unpacked and checked against what its headers promise; as they come, or as a file."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterator
from typing import IO

import aiohttp

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError
from finport_ingestion.engine.network.runner import finish, run
from finport_ingestion.engine.resilience.gate import Answer, Gate
from finport_ingestion.engine.resilience.wire import translated
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.web.facts import encoding, stated_digest
from finport_ingestion.engine.sources.web.inflating import Inflating
from finport_ingestion.engine.sources.web.way import cut

_BUFFER_BYTES = 1 << 18
_UNCHECKED_CHUNKS = 3
_WAIT_SECONDS = 60.0
"""For each piece of a body, where nobody states another time."""


class Body:
    """For the loop of network/runner.py."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        *,
        what: str,
        deadline: Deadline,
        wait_seconds: float = _WAIT_SECONDS,
        gate: Gate | None = None,
    ) -> None:
        """Raises PermanentError where nobody here can unpack it.

        Args:
            gate: Is told when the server breaks off, which it was told of as good by its head.
        """
        self._response = response
        self.what = what
        self._deadline = deadline
        self._wait_seconds = wait_seconds
        self._gate = gate
        digest = stated_digest(response)
        self._sum = hashlib.new(digest[0], usedforsecurity=False) if digest else None
        self._expected = digest[1] if digest else ""
        packed = encoding(response)
        self._inflating = Inflating(packed, what=what) if packed and response.method != "HEAD" else None
        self._pieces: Iterator[bytes] = iter(())
        self._chunk_count = 0

    async def read(self) -> bytes:
        """The next piece, nothing at the end.

        Raises:
            SourceUnavailable: The connection ends too soon, or is silent for too long.
            ChecksumMismatch: It is not what the server says that it sent.
            DeadlineExceeded: It was still coming.
        """
        if self._inflating is None:
            return await self._chunk()
        while not (piece := next(self._pieces, b"")):
            chunk = await self._chunk()
            if not chunk:
                self._inflating.check_end()
                return b""
            self._pieces = self._inflating.pieces(chunk)
        return piece

    def unwanted(self) -> None:
        """Nobody reads on: that it ends too soon is our own doing from now on."""
        self._gate = None

    async def _chunk(self) -> bytes:
        # The first pieces come within the timeout of the request, which the deadline has bounded.
        self._chunk_count += 1
        if self._chunk_count > _UNCHECKED_CHUNKS:
            self._deadline.check()
        content = self._response.content
        try:
            # What has come needs no timer; pages of a few kilobytes come with their heads.
            chunk = content.read_nowait()
            if not chunk and not content.at_eof():
                # Beside aiohttp's own timer, which watches a connection and not an answer.
                async with asyncio.timeout(self._wait_seconds):
                    chunk = await content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if self._gate:
                self._gate.report(Answer(outcome="broken"))
            raise translated(error, self.what) from None
        if self._sum:
            self._add(chunk)
        return chunk

    def _add(self, chunk: bytes) -> None:
        assert self._sum
        self._sum.update(chunk)
        if not chunk and self._sum.hexdigest() != self._expected:
            raise ChecksumMismatch(
                f"{self.what}: the body is not the one whose {self._sum.name} the server states.",
                hint="fetch again; if it stays so, ask the provider, and look for a proxy that changes bodies",
            )


def body_of(response: aiohttp.ClientResponse, access: Access, *, what: str) -> Body:
    """The body of an answer of the source itself, within its limits. Raises as Body."""
    wait_seconds = access.request_timeout_seconds
    return Body(response, what=what, deadline=access.deadline, wait_seconds=wait_seconds, gate=access.gate)


async def read_all(body: Body, *, limit_bytes: int) -> bytes:
    """The whole body.

    Raises:
        PermanentError: It is larger than the limit.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := await body.read():
        size += len(piece)
        if size > limit_bytes:
            raise PermanentError(
                f"{body.what}: the page is larger than {limit_bytes} bytes.",
                hint="ask for fewer records a page, or for pagination 'none', which is not held in memory",
            )
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def open_body(response: aiohttp.ClientResponse, access: Access, *, what: str) -> IO[bytes]:
    """A response's body as a file for a thread, read as it arrives. Closing it lets go of the response."""
    try:
        body = body_of(response, access, what=what)
    except BaseException:
        finish(_let_go(response))
        raise
    return io.BufferedReader(_Stream(response, body), buffer_size=_BUFFER_BYTES)


class _Stream(io.RawIOBase):
    def __init__(self, response: aiohttp.ClientResponse, body: Body) -> None:
        super().__init__()
        self._response = response
        self._body = body
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Raises as `Body.read`."""
        if not self._left:
            self._left = memoryview(run(self._body.read()))
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._body.unwanted()
            finish(_let_go(self._response))
        super().close()


async def _let_go(response: aiohttp.ClientResponse) -> None:
    cut(response)
