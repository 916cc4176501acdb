"""Compressed bodies, in whatever pieces they arrive."""

from __future__ import annotations

import gzip
import os
import zlib

import pytest

from finport_ingestion.engine.errors import PermanentError, SourceUnavailable
from finport_ingestion.engine.sources.web.inflating import Inflating

TEXT = b"".join(b"%d,553.82\n" % number for number in range(5000))


def unpacked(encoding: str, packed: bytes, *, step: int) -> bytes:
    inflating = Inflating(encoding, what="prices: GET /")
    pieces = [
        piece for start in range(0, len(packed), step) for piece in inflating.pieces(packed[start : start + step])
    ]
    inflating.check_end()
    return b"".join(pieces)


def raw_deflate(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(content) + packing.flush()


@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 512),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
def test_what_was_packed_comes_out_whole(encoding: str, packed: bytes, step: int) -> None:
    assert unpacked(encoding, packed, step=step) == TEXT


def test_a_few_bytes_that_make_many_come_in_pieces() -> None:
    bomb = gzip.compress(b"\0" * (50 << 20))
    sizes = [len(piece) for piece in Inflating("gzip", what="prices").pieces(bomb)]
    assert sum(sizes) == 50 << 20
    assert max(sizes) <= 1 << 20


def test_exactly_full_pieces_have_an_end_too() -> None:
    noise = os.urandom(3 << 20)
    assert unpacked("gzip", gzip.compress(noise), step=1 << 22) == noise


def test_nothing_at_all_is_whole() -> None:
    assert unpacked("gzip", b"", step=1) == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("missing", [1, 4, 9, 500])
def test_an_end_that_is_missing_is_noticed(encoding: str, missing: int) -> None:
    packed = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    with pytest.raises(SourceUnavailable, match="ends too soon"):
        unpacked(encoding, packed[:-missing], step=4096)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_damaged_is_noticed(encoding: str) -> None:
    packed = bytearray(gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT))
    packed[-2] ^= 1
    with pytest.raises(SourceUnavailable, match="not compressed as its headers say"):
        unpacked(encoding, bytes(packed), step=4096)


def test_an_encoding_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(PermanentError, match="not asked for"):
        Inflating("br", what="prices")
