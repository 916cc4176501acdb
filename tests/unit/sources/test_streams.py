"""Streams of bytes over other streams give the same bytes, however they are read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.sources.files.streams import bounded, joined

BLOCKS = st.lists(st.binary(min_size=1, max_size=20), max_size=8)


@given(BLOCKS, st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_blocks_are_joined(blocks: list[bytes], sizes: list[int]) -> None:
    stream, whole = joined(iter(blocks)), b"".join(blocks)
    read = b""
    for size in sizes:
        piece = stream.read(size)
        assert len(piece) <= size
        assert piece or read == whole
        read += piece
    assert read + stream.read() == whole
    assert stream.read(1) == b""


@given(BLOCKS)
def test_joined_blocks_can_be_buffered(blocks: list[bytes]) -> None:
    buffered = io.BufferedReader(joined(iter(blocks)), buffer_size=7)  # type: ignore[arg-type]
    assert buffered.read() == b"".join(blocks)


def test_an_error_within_the_blocks_is_the_readers() -> None:
    def blocks():  # type: ignore[no-untyped-def]
        yield b"ab"
        raise ValueError("broken")

    stream = joined(blocks())
    assert stream.read(10) == b"ab"
    with pytest.raises(ValueError, match="broken"):
        stream.read(10)


@given(st.binary(max_size=40), st.integers(0, 50))
def test_no_more_than_the_bound_is_read(content: bytes, bound: int) -> None:
    source = io.BytesIO(content)
    assert bounded(source, bound).read() == content[:bound]
    assert source.tell() == min(bound, len(content))
