"""Folders as sources: what is listed, what is left out, and what is noticed."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    ConfigError,
    FormatError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.records import Replaces, Watermark
from finport_ingestion.engine.sources.folder import FolderSource
from tests.conformance.sources.access import ManualClock, access, connection


def folder_source(folder: Path, *, clock: ManualClock | None = None, **options: Any) -> FolderSource:
    stated = FolderSource.Options.model_validate({"protocol": "file", **options})
    return FolderSource(stated, access(connection("file", extra={"path": str(folder)}), clock=clock))


def names(source: FolderSource) -> list[str]:
    return [item.id for item in source.discover(None)]


def write(path: Path, text: str = "a\n1\n", *, modified_at: datetime | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if modified_at:
        os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))
    return path


def test_files_are_listed_by_name_with_size_and_time(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    for name in ("b.csv", "a.csv", "C.csv"):
        path = write(tmp_path / name)
        os.utime(path, ns=(0, 1_704_164_645_678_901_234))
    items = list(folder_source(tmp_path).discover(None))
    assert [item.id for item in items] == ["C.csv", "a.csv", "b.csv"]
    assert {(item.size_bytes, item.modified_at) for item in items} == {(4, moment)}


def test_only_files_that_match_the_pattern_are_listed(tmp_path: Path) -> None:
    for name in ("a.csv", "b.txt", "2024/c.csv", "2024/01/d.csv", "2023/e.csv"):
        write(tmp_path / name)
    assert names(folder_source(tmp_path, pattern="*.csv")) == ["a.csv"]
    assert names(folder_source(tmp_path, pattern="**/*.csv")) == [
        "2023/e.csv",
        "2024/01/d.csv",
        "2024/c.csv",
        "a.csv",
    ]
    assert names(folder_source(tmp_path, pattern="2024/*.csv")) == ["2024/c.csv"]
    assert names(folder_source(tmp_path, pattern="202?/**")) == ["2023/e.csv", "2024/01/d.csv", "2024/c.csv"]


def test_hidden_and_unfinished_files_are_left_out(tmp_path: Path) -> None:
    for name in ("a.csv", ".b.csv", "c.csv.partial", "d.csv.TMP", ".drop/e.csv"):
        write(tmp_path / name)
    assert names(folder_source(tmp_path, pattern="**")) == ["a.csv"]


def test_links_that_lead_out_of_the_folder_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outside = write(tmp_path / "outside" / "passwords.csv")
    inside = tmp_path / "drop"
    write(inside / "a.csv")
    (inside / "out.csv").symlink_to(outside)
    (inside / "folder").symlink_to(outside.parent)
    (inside / "same.csv").symlink_to("a.csv")
    (inside / "broken.csv").symlink_to("nothing.csv")
    (inside / "circle").symlink_to(".")
    assert names(folder_source(inside, pattern="**")) == ["a.csv", "same.csv"]
    assert "out.csv is a link that leads out of the folder" in caplog.text


def test_a_link_put_in_place_after_the_listing_is_not_followed_out(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.csv")
    inside = tmp_path / "drop"
    listed = write(inside / "a.csv")
    source = folder_source(inside)
    (item,) = source.discover(None)
    listed.unlink()
    listed.symlink_to(outside)
    with pytest.raises(SourceItemMissing, match=r"a\.csv is not in"):
        list(source.open(item))


def test_a_young_file_waits_for_the_next_run(tmp_path: Path) -> None:
    clock = ManualClock()
    write(tmp_path / "old.csv", modified_at=clock.now() - timedelta(minutes=5))
    write(tmp_path / "young.csv", modified_at=clock.now() - timedelta(minutes=1))
    source = folder_source(tmp_path, clock=clock, settle="2m")
    assert names(source) == ["old.csv"]
    clock.sleep(60)
    assert names(source) == ["old.csv", "young.csv"]


def test_a_file_of_a_server_whose_clock_is_ahead_is_listed(tmp_path: Path) -> None:
    clock = ManualClock()
    write(tmp_path / "a.csv", modified_at=clock.now() + timedelta(hours=1))
    assert names(folder_source(tmp_path, clock=clock)) == ["a.csv"]


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_file_that_changes_after_the_listing_is_noticed(tmp_path: Path, when: str) -> None:
    path = write(tmp_path / "a.csv", "a\n1\n")
    source = folder_source(tmp_path)
    (item,) = source.discover(None)

    def read_all() -> bytes:
        content = b""
        for delivery in source.open(item):
            content += delivery.stream.read(2)
            if when == "while":
                path.write_text("a\n1\n2\n")
            content += delivery.stream.read()
        return content

    if when == "before":
        path.write_text("a\n2\n3\n")
    with pytest.raises(SourceItemChanged, match=r"prices: a\.csv changed .* 'settle'"):
        read_all()


def test_a_file_replaced_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a\n1\n", modified_at=datetime(2024, 1, 1, tzinfo=UTC))
    source = folder_source(tmp_path)
    (item,) = source.discover(None)
    deliveries = source.open(item)
    next(deliveries).stream.read()
    write(tmp_path / "new", "b\n2\n").replace(path)
    with pytest.raises(SourceItemChanged):
        next(deliveries)


def test_a_file_that_is_gone_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    source = folder_source(tmp_path)
    (item,) = source.discover(None)
    path.unlink()
    with pytest.raises(SourceItemMissing, match=r"prices: there is no file .*a\.csv any more"):
        list(source.open(item))


def test_a_missing_folder_is_named_with_the_remedy(tmp_path: Path) -> None:
    source = folder_source(tmp_path / "nowhere")
    for ask in (source.check, lambda: list(source.discover(None))):
        with pytest.raises(SourceUnavailable, match=r"prices: there is no folder .*nowhere\. Fix: .*mounted"):
            ask()


def test_a_file_where_a_folder_is_due_is_a_mistake_of_the_document(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        folder_source(write(tmp_path / "a.csv")).check()


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../b"])
def test_a_document_cannot_leave_the_folder_of_its_connection(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match="leaves the connection's folder"):
        folder_source(tmp_path, path=path)


def test_without_connection_the_path_is_absolute(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    options = {"protocol": "file", "path": str(tmp_path)}
    assert names(FolderSource(FolderSource.Options.model_validate(options), access(None))) == ["a.csv"]
    with pytest.raises(ConfigError, match="no absolute path"):
        FolderSource(FolderSource.Options.model_validate({**options, "path": "drop"}), access(None))


def test_a_pipe_or_a_socket_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert names(folder_source(tmp_path)) == ["a.csv"]


def test_a_name_that_cannot_be_written_down_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "März 2024.csv")
    (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text("a\n")
    assert names(folder_source(tmp_path)) == ["März 2024.csv"]
    assert "cannot" not in names(folder_source(tmp_path))
    assert "has no name that can be written down" in caplog.text


def test_the_suffix_keeps_the_compression(tmp_path: Path) -> None:
    for name in ("a.CSV", "b.2024.csv.gz", "c"):
        write(tmp_path / name)
    source = folder_source(tmp_path)
    suffixes = [delivery.suffix for item in source.discover(None) for delivery in source.open(item)]
    assert suffixes == [".csv", ".csv.gz", ""]


def test_what_a_publication_stands_in_for(tmp_path: Path) -> None:
    source = folder_source(tmp_path)
    assert source.replaces(None) is Replaces.ITEMS
    assert source.replaces(Watermark(field="day", value="2024-01-02", type="date")) is Replaces.NOTHING


def test_a_folder_that_is_filled_while_it_is_listed_gives_whole_items(tmp_path: Path) -> None:
    stop = threading.Event()

    def fill() -> None:
        number = 0
        while not stop.is_set():
            write(tmp_path / f"{number:05d}.csv.partial").replace(tmp_path / f"{number:05d}.csv")
            number += 1

    writer = threading.Thread(target=fill)
    writer.start()
    try:
        source = folder_source(tmp_path)
        for _ in range(20):
            listed = names(source)
            assert listed == sorted(listed)
            assert all(name.endswith(".csv") for name in listed)
    finally:
        stop.set()
        writer.join()


def test_a_file_that_grows_between_two_looks_waits_for_the_next_run(tmp_path: Path) -> None:
    then = datetime(2024, 1, 1, tzinfo=UTC)
    for name in ("grows.csv", "rests.csv", "goes.csv"):
        write(tmp_path / name, modified_at=then)

    class Writer(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            # The sender keeps the old time while it writes.
            write(tmp_path / "grows.csv", "a\n1\n2\n", modified_at=then)
            write(tmp_path / "comes.csv", modified_at=then)
            (tmp_path / "goes.csv").unlink()

    clock = Writer()
    assert names(folder_source(tmp_path, clock=clock, lookAgain="10s")) == ["rests.csv"]
    assert clock.slept == [10]
    assert names(folder_source(tmp_path, clock=ManualClock(), lookAgain="10s")) == [
        "comes.csv",
        "grows.csv",
        "rests.csv",
    ]


def test_an_empty_folder_is_looked_at_once(tmp_path: Path) -> None:
    clock = ManualClock()
    assert names(folder_source(tmp_path, clock=clock, lookAgain="10s")) == []
    assert clock.slept == []


def test_the_checksum_beside_a_file_is_stated(tmp_path: Path) -> None:
    digits = hashlib.sha256(b"a\n1\n").hexdigest()
    write(tmp_path / "a.csv")
    write(tmp_path / "a.csv.sha256", f"{digits}  a.csv\n")
    (item,) = folder_source(tmp_path, pattern="*.csv", checksumSuffix=".sha256").discover(None)
    assert item.checksum == f"sha256:{digits}"


def test_a_file_whose_checksum_is_not_there_yet_waits_for_the_next_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv")
    write(tmp_path / "b.csv.md5", "")
    assert names(folder_source(tmp_path, checksumSuffix=".md5")) == []
    assert "b.csv.md5 is still empty; b.csv is left for the next run" in caplog.text


def test_a_file_that_states_something_else_than_a_checksum_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.csv")
    write(tmp_path / "a.csv.md5", "delivered by the night shift\n")
    with pytest.raises(FormatError, match=r"prices: a\.csv\.md5 states no checksum of a\.csv\. Fix: .*md5sum"):
        names(folder_source(tmp_path, checksumSuffix=".md5"))
