"""What landed bytes are hashed with, and compared to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError


class _Hash(Protocol):
    def update(self, content: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


KINDS: dict[str, Callable[[], _Hash]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "md5": partial(hashlib.md5, usedforsecurity=False),
}
"""How sources state checksums, `<kind>:<lower-case hex>`; one of another kind is not compared."""


class Digests:
    """SHA-256 of some bytes in order, and whatever else is to be compared with what the source states."""

    def __init__(self) -> None:
        self._hashes = {"sha256": KINDS["sha256"]()}
        self._stated: list[str] = []
        self.size_bytes = 0

    def expect(self, checksum: str | None) -> None:
        """The source states this checksum, or none; to be told before the first byte."""
        kind = checksum.partition(":")[0] if checksum else ""
        if checksum in self._stated or kind not in KINDS or (kind not in self._hashes and self.size_bytes):
            return
        self._stated.append(str(checksum))
        self._hashes.setdefault(kind, KINDS[kind]())

    def update(self, content: bytes) -> None:
        """The next bytes."""
        self.size_bytes += len(content)
        for digest in self._hashes.values():
            digest.update(content)

    def limit(self, size_bytes: int, *, what: str) -> None:
        """Raise PermanentError when there were more bytes than these."""
        if self.size_bytes > size_bytes:
            raise PermanentError(f"{what} is larger than {size_bytes} bytes.", hint="raise limits.itemSizeBytes")

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return self._hashes["sha256"].hexdigest()

    def compare(self, sizes: Iterable[int | None], *, what: str) -> None:
        """Compare with the stated sizes, and the checksums that were expected.

        Args:
            what: Source and item, for messages.

        Raises:
            ChecksumMismatch: Something else was stated.
        """
        hint = "the transfer was cut or altered on the way; ask the source to deliver it again if it happens twice"
        for size in sizes:
            if size is not None and size != self.size_bytes:
                raise ChecksumMismatch(f"{what} has {self.size_bytes} bytes, {size} were stated.", hint=hint)
        for stated in self._stated:
            kind, _, digits = stated.partition(":")
            if self._hashes[kind].hexdigest() != digits.lower():
                raise ChecksumMismatch(f"{what} has another {kind} than the source states.", hint=hint)
