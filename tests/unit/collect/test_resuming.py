"""Transfers that break go on from the byte that they reached: within a try, and in the next one."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from finport_ingestion.engine.collect.journal import Journal
from finport_ingestion.engine.errors import CircuitOpen, SourceItemMissing, SourceUnavailable, StorageUnavailable
from tests.conformance.sources.access import ManualClock
from tests.unit.collect.shelf import KB, MB, LandingArea, Shelf, some_bytes

SMALL_RANGES = {"downloads": {"rangeBytes": 256 * KB, "ranges": 4}}
WAYS = pytest.mark.parametrize("ranges", [1, 4], ids=["from any byte", "in ranges"])
MANY = [300 * KB] * 6
"""More breaks at one place than a try takes."""


@pytest.mark.parametrize("root", ["folder", "memory"])
@WAYS
def test_a_broken_transfer_goes_on_from_where_it_broke(tmp_path: Path, root: str, ranges: int) -> None:
    shelf = Shelf(some_bytes(MB), breaks=[100 * KB, 300 * KB, 300 * KB + 7, 900 * KB])
    area = LandingArea.at(tmp_path if root == "folder" else UPath(f"memory://{tmp_path}"), **SMALL_RANGES)
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == MB
    assert not shelf.breaks


def test_it_waits_longer_from_break_to_break_without_progress(tmp_path: Path) -> None:
    clock = ManualClock()
    shelf, area = Shelf(some_bytes(MB), breaks=[300 * KB] * 4), LandingArea.at(tmp_path)
    area.clock = clock
    area.land(shelf.item(), shelf)
    assert clock.slept == [0.5, 1, 2, 4]


def test_it_gives_up_when_nothing_more_comes(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path)
    with pytest.raises(SourceUnavailable, match="the connection is lost"):
        area.land(shelf.item(), shelf)
    assert area.visible() == []


def test_what_never_began_is_not_tried_again_here(tmp_path: Path) -> None:
    clock = ManualClock()
    shelf, area = Shelf(some_bytes(MB), down=True), LandingArea.at(tmp_path)
    area.clock = clock
    with pytest.raises(SourceUnavailable, match="down"):
        area.land(shelf.item(), shelf)
    assert clock.slept == []


def test_no_wait_goes_beyond_the_deadline(tmp_path: Path) -> None:
    clock = ManualClock()
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path)
    area.clock, area.seconds = clock, 3
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(), shelf)
    assert clock.slept == [0.5, 1]


def test_a_source_that_is_given_a_rest_is_left_alone(tmp_path: Path) -> None:
    class Resting(Shelf):
        def open(self, item: Any, span: Any = None) -> Any:
            if self.asked:
                raise CircuitOpen("prices: resting.", hint="wait")
            yield from super().open(item, span)

    clock = ManualClock()
    shelf, area = Resting(some_bytes(MB), breaks=[300 * KB]), LandingArea.at(tmp_path)
    area.clock = clock
    with pytest.raises(CircuitOpen):
        area.land(shelf.item(), shelf)
    assert clock.slept == [0.5]


@WAYS
def test_the_next_try_fetches_only_the_rest(tmp_path: Path, ranges: int) -> None:
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path, **SMALL_RANGES)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(ranges=ranges), shelf)
    assert area.visible() == []
    shelf.breaks = []
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == MB


@WAYS
@pytest.mark.parametrize("facts", [{"etag": '"2"'}, {"checksum": "whirlpool:1"}, {"slice": {"as_of": "1"}}])
def test_bytes_of_two_versions_never_come_together(tmp_path: Path, ranges: int, facts: dict[str, Any]) -> None:
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path, **SMALL_RANGES)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(ranges=ranges), shelf)
    other = Shelf(some_bytes(MB, seed=2))
    (part,) = area.land(other.item(ranges=ranges, **facts), other)
    assert area.content(part) == other.content
    assert other.given_bytes == MB


@pytest.mark.parametrize("facts", [{"modified_at": None}, {"size_bytes": None}])
def test_what_cannot_be_told_from_its_next_version_begins_anew(tmp_path: Path, facts: dict[str, Any]) -> None:
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(**facts), shelf)
    other = Shelf(some_bytes(MB, seed=2))
    (part,) = area.land(other.item(**facts), other)
    assert area.content(part) == other.content


@WAYS
def test_what_the_disk_altered_is_fetched_again_and_no_more(tmp_path: Path, ranges: int) -> None:
    size = 4 * MB
    shelf = Shelf(some_bytes(size), breaks=[3 * MB + 5] * 6)
    area = LandingArea.at(tmp_path, downloads={"rangeBytes": MB, "ranges": 1 if ranges == 1 else 2})
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(ranges=ranges), shelf)
    altered = 2 * MB + 7
    extents = Journal.read(Path(area.hidden(".journal").path).read_bytes()).extents
    sound = [extent for extent in extents if not extent.start <= altered < extent.stop]
    there = sum(extent.stop - extent.start for extent in sound if ranges > 1 or extent.start < altered)
    with Path(area.hidden(".partial").path).open("r+b") as file:
        file.seek(altered)
        file.write(b"\0\0\0\0")
    given, shelf.breaks = shelf.given_bytes, []
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content
    # Of ranges, the one that was altered and what was not there; of a stream, all from there on.
    assert there > 0
    assert shelf.given_bytes - given == size - there


@pytest.mark.parametrize(
    "lines", [b'["extent",[0,', b"\0\0\0\n", b'{"extent": 1}\n', b'["extent",[0,-4,"a"]]\n', b"3\n"]
)
def test_a_journal_that_ends_in_nonsense_is_believed_up_to_there(tmp_path: Path, lines: bytes) -> None:
    shelf, area = Shelf(some_bytes(4 * MB), breaks=[3 * MB] * 6), LandingArea.at(tmp_path)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(), shelf)
    journal = Path(area.hidden(".journal").path)
    journal.write_bytes(journal.read_bytes() + lines)
    shelf.breaks = []
    (part,) = area.land(shelf.item(), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == 4 * MB


def test_a_partial_file_that_lost_its_end_is_filled_again(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(4 * MB), breaks=[3 * MB] * 6), LandingArea.at(tmp_path)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(), shelf)
    with Path(area.hidden(".partial").path).open("r+b") as file:
        file.truncate(MB + 1)
    shelf.breaks = []
    (part,) = area.land(shelf.item(), shelf)
    assert area.content(part) == shelf.content


@WAYS
def test_what_landed_in_an_earlier_try_is_not_fetched_again(tmp_path: Path, ranges: int) -> None:
    shelf, area = Shelf(some_bytes(MB)), LandingArea.at(tmp_path, **SMALL_RANGES)
    before = area.land(shelf.item(ranges=ranges), shelf)
    assert area.land(shelf.item(ranges=ranges), shelf) == before
    assert shelf.given_bytes == MB


def test_what_was_altered_after_it_landed_is_fetched_again(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(MB)), LandingArea.at(tmp_path)
    (part,) = area.land(shelf.item(), shelf)
    with (tmp_path / part.uri).open("r+b") as file:
        file.write(b"\0\0")
    (part,) = area.land(shelf.item(), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == 2 * MB


def test_an_older_landed_version_is_replaced(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(MB)), LandingArea.at(tmp_path)
    area.land(shelf.item(), shelf)
    newer = Shelf(some_bytes(MB // 2, seed=2), modified_at=datetime(2027, 1, 1, tzinfo=UTC))
    (part,) = area.land(newer.item(), newer)
    assert area.content(part) == newer.content


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    shelf, area = Shelf(some_bytes(MB), breaks=list(MANY)), LandingArea.at(tmp_path)
    with pytest.raises(SourceUnavailable):
        area.land(shelf.item(), shelf)
    with Path(area.hidden(".journal").path).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StorageUnavailable, match="being written by another process"):
            area.land(shelf.item(), shelf)
    shelf.breaks = []
    (part,) = area.land(shelf.item(), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == MB


def test_of_an_item_that_is_gone_nothing_is_kept(tmp_path: Path) -> None:
    class Gone(Shelf):
        def open(self, item: Any, span: Any = None) -> Any:
            if self.asked:
                raise SourceItemMissing("prices: gone.", hint="run again")
            yield from super().open(item, span)

    shelf, area = Gone(some_bytes(MB), breaks=[300 * KB]), LandingArea.at(tmp_path)
    with pytest.raises(SourceItemMissing):
        area.land(shelf.item(), shelf)
    assert not list(tmp_path.rglob("*.partial"))


@WAYS
def test_what_came_before_a_break_is_not_lost_in_a_buffer(tmp_path: Path, ranges: int) -> None:
    class Buffered(Shelf):
        def open(self, item: Any, span: Any = None) -> Any:
            for delivery in super().open(item, span):
                yield dataclasses.replace(delivery, stream=io.BufferedReader(delivery.stream, MB))  # type: ignore[type-var]

    shelf, area = Buffered(some_bytes(MB), breaks=[200 * KB]), LandingArea.at(tmp_path, **SMALL_RANGES)
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content
    assert shelf.given_bytes == MB


@pytest.mark.parametrize("ranges", [0, 1, 4])
def test_a_file_system_that_fails_is_a_source_that_fails(tmp_path: Path, ranges: int) -> None:
    """As a mounted folder does whose server is gone."""

    class Stale(Shelf):
        def _blocks(self, start: int, end: int) -> Any:
            if self.breaks:
                raise OSError(errno.ESTALE, "Stale file handle")
            yield from super()._blocks(start, end)

    shelf, area = Stale(some_bytes(MB), breaks=[0]), LandingArea.at(tmp_path, **SMALL_RANGES)
    with pytest.raises(SourceUnavailable, match=r"prices: prices\.csv cannot be read on \(Stale file handle\)"):
        area.land(shelf.item(ranges=ranges), shelf)
    shelf.breaks = []
    (part,) = area.land(shelf.item(ranges=ranges), shelf)
    assert area.content(part) == shelf.content


def test_the_journal_holds_no_byte_of_the_data(tmp_path: Path) -> None:
    shelf, area = Shelf(b"XS0000000001,100.25\n" * 100_000), LandingArea.at(tmp_path)
    area.land(shelf.item(), shelf)
    lines = [json.loads(line) for line in area.hidden(".journal").read_bytes().splitlines()]
    assert [kind for kind, _ in lines] == ["version", "told", "extent", "extent", "landed"]
    assert b"XS0000000001" not in area.hidden(".journal").read_bytes()
