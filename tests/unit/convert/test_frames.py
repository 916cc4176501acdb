"""What passes between a process and its reading child: batches whole, and memory used again."""

from __future__ import annotations

import gc
import os
import threading

import numpy as np
import pyarrow as pa
import pytest

from finport_ingestion.engine.convert.frames import Memory, pack_batch, receive, send, unpack_batch, widen
from finport_ingestion.engine.convert.interface import Batch

LARGE = 2 << 20


def batch_of(columns: pa.RecordBatch) -> Batch:
    return Batch(columns=columns, rows=pa.array(np.arange(1, columns.num_rows + 1)))


def passed(batch: Batch, memory: Memory | None = None) -> Batch:
    """`batch` sent through a pipe and received."""
    reading, writing = os.pipe()
    widen(reading)
    header, body = pack_batch(batch)
    sender = threading.Thread(target=send, args=(writing, header, body))
    sender.start()

    def read_into(buffer: memoryview) -> None:
        while buffer:
            count = os.readv(reading, [buffer])
            buffer = buffer[count:]

    try:
        found = unpack_batch(*receive(read_into, memory))
    finally:
        sender.join()
        os.close(reading)
        os.close(writing)
    return found


def test_a_batch_of_more_columns_than_one_write_takes_comes_back() -> None:
    columns = pa.RecordBatch.from_arrays(
        [pa.array([f"{at}", None, "é"]) for at in range(1_500)], names=[str(at) for at in range(1_500)]
    )
    assert passed(batch_of(columns)) == batch_of(columns)


def test_a_slice_comes_back_as_what_it_shows() -> None:
    whole = pa.record_batch(
        {"n": pa.array([1, None, 3] * 1_000), "t": ["a", None, "ccc"] * 1_000, "b": [True, None, False] * 1_000}
    )
    assert passed(batch_of(whole.slice(7, 1_001))).columns.to_pylist() == whole.slice(7, 1_001).to_pylist()


def test_what_is_sent_are_the_columns_themselves() -> None:
    numbers = pa.array(np.arange(100_000))
    _, body = pack_batch(batch_of(pa.record_batch({"n": numbers})))
    addresses = [part.address for part in body if isinstance(part, pa.Buffer)]
    assert numbers.buffers()[1].address in addresses


def test_memory_that_nobody_holds_is_used_again() -> None:
    memory = Memory()
    first = memory.buffer(LARGE)
    address = first.address
    del first
    gc.collect()
    assert memory.buffer(LARGE - 8).address == address


def test_memory_that_a_column_holds_is_not_used_again() -> None:
    memory = Memory()
    columns = pa.record_batch({"n": np.arange(LARGE // 8)})
    held = passed(batch_of(columns), memory).columns.column(0).slice(5, 10)
    for value in range(3):
        passed(batch_of(pa.record_batch({"n": np.full(LARGE // 8, -value)})), memory)
    assert held.to_pylist() == list(range(5, 15))


def test_a_frame_that_is_none_is_told() -> None:
    def zeros_then_more(buffer: memoryview) -> None:
        buffer[:] = b"\xff" * len(buffer)

    with pytest.raises(EOFError):
        receive(zeros_then_more)
