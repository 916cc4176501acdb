"""A disk without room: a clear error that is tried again, and nothing that takes the room of others."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from finport_ingestion.engine.errors import StorageUnavailable
from tests.unit.collect.shelf import KB, MB, LandingArea, Shelf, some_bytes


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond this size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ranges", [0, 1, 4])
def test_a_full_disk_is_told_with_the_remedy_and_leaves_nothing(tmp_path: Path, ranges: int) -> None:
    shelf = Shelf(some_bytes(3 * MB))
    area = LandingArea.at(tmp_path, downloads={"rangeBytes": 256 * KB, "ranges": 4})
    with room_for(MB), pytest.raises(StorageUnavailable, match=r"00000.* cannot be written: .* Fix: free space"):
        area.land(shelf.item(ranges=ranges), shelf)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content


def test_a_landing_area_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("a file where a folder is due")
    shelf = Shelf(b"a,b\n")
    with pytest.raises(StorageUnavailable, match=r"cannot be written: Not a directory"):
        LandingArea.at(tmp_path).land(shelf.item(), shelf)
