"""Items land as delivered, compared with what the source states, or not at all."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError, SourceItemChanged
from tests.unit.collect.shelf import KB, MB, LandingArea, Shelf, sha256, some_bytes

SMALL_RANGES = {"downloads": {"rangeBytes": 64 * KB, "ranges": 4}}


@pytest.fixture(params=["folder", "object store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> UPath:
    """A landing area of each sort."""
    return UPath(tmp_path) if request.param == "folder" else UPath(f"memory://{tmp_path}")


@pytest.mark.parametrize("ranges", [0, 1, 4], ids=["whole", "from any byte", "in ranges"])
@pytest.mark.parametrize("size", [0, 1, 64 * KB, 64 * KB + 1, 777_777])
def test_the_bytes_land_as_they_are(root: UPath, ranges: int, size: int) -> None:
    shelf, area = Shelf(some_bytes(size)), LandingArea.at(root, **SMALL_RANGES)
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content
    assert (part.size_bytes, part.sha256, part.media_type) == (size, sha256(shelf.content), "text/csv")
    assert area.visible() == ["00000.csv"]
    assert shelf.given_bytes == size


def test_ranges_are_asked_for_side_by_side_and_never_more_than_allowed(tmp_path: Path) -> None:
    shelf = Shelf(some_bytes(640 * KB))
    shelf.gather = threading.Barrier(2)
    LandingArea.at(tmp_path, **SMALL_RANGES).land(shelf.item(ranges=2), shelf)
    assert shelf.most_at_once == 2
    assert shelf.asked[0] == (0, None), "what does the source say of the whole?"
    assert sorted(shelf.asked[1:]) == [(at, at + 64 * KB) for at in range(0, 640 * KB, 64 * KB)]


def test_the_policy_limits_the_ranges_of_a_source_that_gives_more(tmp_path: Path) -> None:
    shelf = Shelf(some_bytes(640 * KB))
    LandingArea.at(tmp_path, downloads={"rangeBytes": 64 * KB, "ranges": 3}).land(shelf.item(ranges=10), shelf)
    assert shelf.most_at_once <= 3


@pytest.mark.parametrize("ranges", [0, 1, 4])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ranges: int) -> None:
    content = bytes(96 * MB)
    shelf, area = Shelf(content, block_bytes=256 * KB), LandingArea.at(tmp_path, downloads={"rangeBytes": 8 * MB})
    tracemalloc.start()
    try:
        area.land(shelf.item(ranges=ranges), shelf)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MB


def test_an_object_store_holds_no_more_than_the_ranges_that_are_on_their_way(tmp_path: Path) -> None:
    shelf = Shelf(bytes(64 * MB), block_bytes=256 * KB)
    area = LandingArea.at(UPath(f"memory://{tmp_path}"), downloads={"rangeBytes": MB, "ranges": 4})
    tracemalloc.start()
    try:
        (part,) = area.land(shelf.item(ranges=4), shelf)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The store itself is in memory, and doubles while it grows.
    assert peak < 3 * 64 * MB
    assert area.content(part) == shelf.content


@pytest.mark.parametrize("ranges", [0, 1, 4])
@pytest.mark.parametrize("kind", ["sha256", "sha512", "sha1", "md5"])
def test_a_stated_checksum_is_compared(tmp_path: Path, kind: str, ranges: int) -> None:
    shelf = Shelf(some_bytes(300 * KB))
    good = hashlib.new(kind, shelf.content).hexdigest()
    area = LandingArea.at(tmp_path / "good", **SMALL_RANGES)
    area.land(shelf.item(ranges=ranges, checksum=f"{kind}:{good.upper()}"), shelf)
    assert area.visible() == ["00000.csv"]
    area = LandingArea.at(tmp_path / "bad", **SMALL_RANGES)
    bad = f"{kind}:{'0' * len(good)}"
    with pytest.raises(ChecksumMismatch, match=f"prices: prices.csv has another {kind} than the source states"):
        area.land(shelf.item(ranges=ranges, checksum=bad), shelf)
    assert area.visible() == []


@pytest.mark.parametrize("ranges", [0, 1, 4])
def test_a_checksum_that_comes_with_the_bytes_is_compared(root: UPath, ranges: int) -> None:
    shelf, area = Shelf(some_bytes(300 * KB)), LandingArea.at(root, **SMALL_RANGES)
    shelf.of_the_whole = {"checksum": f"md5:{'0' * 32}"}
    with pytest.raises(ChecksumMismatch, match="another md5"):
        area.land(shelf.item(ranges=ranges), shelf)
    assert area.visible() == []


def test_a_checksum_of_an_unknown_kind_proves_nothing(tmp_path: Path) -> None:
    shelf = Shelf(b"a,b\n")
    assert LandingArea.at(tmp_path).land(shelf.item(checksum="whirlpool:00"), shelf)


@pytest.mark.parametrize(("ranges", "stated"), [(0, 299), (0, 301), (1, 299), (1, 301), (4, 301)])
def test_bytes_that_are_not_as_many_as_stated_are_refused(root: UPath, ranges: int, stated: int) -> None:
    # Of a range, no more than was asked for comes: that the whole is longer is for the source to notice.
    stated *= KB
    shelf = Shelf(some_bytes(300 * KB), of_the_whole={"size_bytes": stated} if ranges == 0 else {})
    area = LandingArea.at(root, **SMALL_RANGES)
    facts: dict[str, Any] = {} if ranges == 0 else {"size_bytes": stated}
    with pytest.raises(ChecksumMismatch, match=r"stated"):
        area.land(shelf.item(ranges=ranges, **facts), shelf)
    assert area.visible() == []


def test_an_item_that_changes_is_not_landed(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(300 * KB)), LandingArea.at(tmp_path, **SMALL_RANGES)
    item = shelf.item(ranges=4)
    shelf.modified_at = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(SourceItemChanged):
        area.land(item, shelf)
    assert area.visible() == []


@pytest.mark.parametrize("ranges", [0, 1])
def test_an_item_of_unknown_size_is_held_to_the_limit(tmp_path: Path, ranges: int) -> None:
    shelf = Shelf(some_bytes(300 * KB), of_the_whole={"size_bytes": None})
    area = LandingArea.at(tmp_path, limits={"itemSizeBytes": 200 * KB})
    with pytest.raises(PermanentError, match=r"larger than 204800 bytes. Fix: raise limits.itemSizeBytes"):
        area.land(shelf.item(ranges=ranges, size_bytes=None), shelf)
    assert area.visible() == []


def test_pages_land_one_by_one(tmp_path: Path) -> None:
    class Pages(Shelf):
        def open(self, item: Any, span: Any = None) -> Any:
            yield from super().open(item)
            yield from super().open(item)

    shelf, area = Pages(b"a,b\n1,2\n"), LandingArea.at(tmp_path)
    parts = area.land(shelf.item(ranges=0), shelf)
    assert [part.sequence for part in parts] == [0, 1]
    assert area.visible() == ["00000.csv", "00001.csv"]
    with pytest.raises(PermanentError, match="comes in several pieces"):
        LandingArea.at(tmp_path / "other").land(shelf.item(ranges=1), shelf)
