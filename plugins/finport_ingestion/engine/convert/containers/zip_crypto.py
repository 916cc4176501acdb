"""The old encryption of zip (ZipCrypto), several times as fast as pyzipper's own: the same steps in one loop."""

from __future__ import annotations

from functools import cache
from typing import Any

from pyzipper import AESZipFile
from pyzipper.zipfile import CRCZipDecrypter
from pyzipper.zipfile_aes import AESZipExtFile

_POLYNOMIAL = 0xEDB88320
_MULTIPLIER = 134_775_813
_WORD = 0xFFFFFFFF


class Decrypter(CRCZipDecrypter):  # type: ignore[misc]  # the library has no types
    """Its keys go on with every byte that is decrypted."""

    key0: int
    key1: int
    key2: int

    def decrypt(self, data: bytes) -> bytes:
        sums, masks = _tables()
        key0, key1, key2 = self.key0, self.key1, self.key2
        plain = bytearray(len(data))
        for at, masked in enumerate(data):
            plain[at] = byte = masked ^ masks[key2 & 0xFFFF]
            key0 = (key0 >> 8) ^ sums[(key0 ^ byte) & 0xFF]
            key1 = ((key1 + (key0 & 0xFF)) * _MULTIPLIER + 1) & _WORD
            key2 = (key2 >> 8) ^ sums[(key2 ^ (key1 >> 24)) & 0xFF]
        self.key0, self.key1, self.key2 = key0, key1, key2
        return bytes(plain)


@cache
def _tables() -> tuple[list[int], bytes]:
    """CRC-32 by byte, and what a byte is masked with by the low half of the third key."""
    sums = list(range(256))
    for _ in range(8):
        sums = [(number >> 1) ^ (_POLYNOMIAL if number & 1 else 0) for number in sums]
    return sums, bytes(((key | 2) * ((key | 2) ^ 1) >> 8) & 0xFF for key in range(1 << 16))


class _File(AESZipExtFile):  # type: ignore[misc]
    def setup_crczipdecrypter(self) -> Any:
        super().setup_crczipdecrypter()
        return Decrypter


class ZipFile(AESZipFile):  # type: ignore[misc]
    """An archive whose entries may be encrypted in either way."""

    zipextfile_cls = _File
