"""Which TLS version a server has chosen, as its first message says in clear text."""

from __future__ import annotations

from dataclasses import dataclass

from finport_ingestion.engine.errors import FormatError

_HANDSHAKE, _ALERT = 22, 21
_SERVER_HELLO = 2
_SUPPORTED_VERSIONS = 43
_RANDOM_BYTES = 32
_LONGEST_RECORD = 1 << 14

TLS_1_2, TLS_1_3 = 0x0303, 0x0304


@dataclass(slots=True)
class _Reader:
    content: bytes
    at: int = 0

    def number(self, size_bytes: int) -> int:
        return int.from_bytes(self.bytes(size_bytes), "big")

    def bytes(self, size_bytes: int) -> bytes:
        if self.at + size_bytes > len(self.content):
            raise FormatError("a ServerHello that ends too early", offset_bytes=self.at)
        self.at += size_bytes
        return self.content[self.at - size_bytes : self.at]


def chosen_version(received: bytes) -> int | None:
    """The version (0x0304 is TLS 1.3), 0 where the server refuses with an alert, None where more bytes are needed.

    Raises:
        FormatError: This is no TLS.
    """
    if len(received) < 5:
        if received[:1] and received[0] not in (_HANDSHAKE, _ALERT):
            raise FormatError("no TLS", offset_bytes=0)
        return None
    kind, major, size = received[0], received[1], int.from_bytes(received[3:5], "big")
    if kind not in (_HANDSHAKE, _ALERT) or major != 3 or not 0 < size <= _LONGEST_RECORD:
        raise FormatError("no TLS", offset_bytes=0)
    if kind == _ALERT:
        return 0
    if len(received) < 5 + size:
        return None
    return _version(_Reader(received[5 : 5 + size]))


def _version(hello: _Reader) -> int:
    if hello.number(1) != _SERVER_HELLO:
        raise FormatError("no ServerHello", offset_bytes=5)
    hello.number(3)
    version = hello.number(2)
    hello.bytes(_RANDOM_BYTES)
    hello.bytes(hello.number(1))  # the session's id
    hello.bytes(3)  # cipher suite and compression
    if hello.at == len(hello.content):
        return version
    end = hello.number(2) + hello.at
    while hello.at < end:
        kind, body = hello.number(2), hello.bytes(hello.number(2))
        if kind == _SUPPORTED_VERSIONS:
            return _Reader(body).number(2)
    return version
