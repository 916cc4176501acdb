"""The old encryption of zip: what the standard library decrypts, and so do we."""

from __future__ import annotations

import random

import pytest
from pyzipper.zipfile import CRCZipDecrypter

from finport_ingestion.engine.convert.containers.zip_crypto import Decrypter


class _Entry:
    """What a decrypter looks at."""

    use_datadescripter = False
    filename = "trades.csv"

    def __init__(self, check: int) -> None:
        self.CRC = check << 24


def opened(kind: type[CRCZipDecrypter], check: int, password: bytes, content: bytes) -> CRCZipDecrypter | None:
    try:
        return kind(_Entry(check), password, content[:12])
    except RuntimeError:
        return None


@pytest.mark.parametrize("password", [b"secret", b"\xff\x00\x80", b"p" * 300])
def test_bytes_are_those_of_the_library_in_whatever_pieces_they_come(password: bytes) -> None:
    noise = random.Random(7).randbytes(5_000)
    slow = next(found for check in range(256) if (found := opened(CRCZipDecrypter, check, password, noise)))
    fast = next(found for check in range(256) if (found := opened(Decrypter, check, password, noise)))
    expected = slow.decrypt(noise[12:])
    assert fast.decrypt(noise[12:20]) + fast.decrypt(b"") + fast.decrypt(noise[20:]) == expected


def test_a_wrong_password_is_told_by_one_byte_as_the_library_tells_it() -> None:
    fits = [check for check in range(256) if opened(Decrypter, check, b"right", bytes(12))]
    assert fits == [check for check in range(256) if opened(CRCZipDecrypter, check, b"right", bytes(12))]
    assert len(fits) == 1
