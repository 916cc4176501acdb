"""Which bytes are there, against a set of their numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.collect.coverage import Coverage

SIZE = 60
RANGES = st.lists(st.tuples(st.integers(0, SIZE), st.integers(1, 20)), max_size=12)


@given(RANGES, st.integers(1, SIZE), st.integers(1, 25))
def test_it_is_a_set_of_bytes(added: list[tuple[int, int]], size: int, at_most: int) -> None:
    coverage, there = Coverage(), set[int]()
    for start, length in added:
        coverage.add(start, start + length)
        there |= set(range(start, start + length))
    missing = coverage.missing(size, at_most=at_most)
    assert [byte for start, stop in missing for byte in range(start, stop)] == sorted(set(range(size)) - there)
    assert all(0 < stop - start <= at_most for start, stop in missing)
    assert coverage.frontier() == next(byte for byte in range(SIZE + 40) if byte not in there)
