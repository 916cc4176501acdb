"""SFTP sources against OpenSSH, and against a server that misbehaves: what is listed, and what arrives."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FormatError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import ManualClock
from tests.services.file_drops import CHANGES, Meddled, content, names
from tests.services.sftp_drops import Drop, dropped, source_of
from tests.services.sftp_faults import FaultyServer, faulty_server
from tests.services.sshd_server import SshServer
from tests.unit.collect.shelf import MB, LandingArea, some_bytes


@pytest.fixture
def drop(ssh_server: SshServer) -> Iterator[Drop]:
    """A folder of its own."""
    with dropped(ssh_server) as drop:
        yield drop


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyServer]:
    """A server that misbehaves when a test tells it to."""
    root = tmp_path / "root"
    root.mkdir()
    with faulty_server(root) as server:
        yield server


def test_only_files_that_match_are_listed_with_size_and_time(drop: Drop) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    for name in ("a.csv", "b.txt", "2024/c.csv", "2024/01/d.csv", ".hidden.csv", "e.csv.filepart"):
        drop.write(name, modified_at=moment)
    assert names(drop.source(pattern="*.csv")) == ["a.csv"]
    assert names(drop.source(pattern="**/*.csv")) == ["2024/01/d.csv", "2024/c.csv", "a.csv"]
    (item,) = drop.source(pattern="2024/*.csv").discover(None)
    assert (item.id, item.size_bytes, item.modified_at, item.ranges) == ("2024/c.csv", 4, moment, 1)


def test_a_folder_of_more_files_than_a_server_lists_at_a_time_is_listed_whole(drop: Drop) -> None:
    for number in range(350):
        drop.write(f"{number:03d}.csv", "")
    assert names(drop.source()) == [f"{number:03d}.csv" for number in range(350)]


def test_links_that_lead_out_of_the_folder_are_left_out(drop: Drop, caplog: pytest.LogCaptureFixture) -> None:
    drop.write("in/a.csv")
    drop.write("secret/passwords.csv")
    inside = drop.folder / "in"
    (inside / "out.csv").symlink_to("../secret/passwords.csv")
    (inside / "root.csv").symlink_to("/etc/passwd")
    (inside / "folder").symlink_to("../secret")
    (inside / "same.csv").symlink_to("a.csv")
    (inside / "broken.csv").symlink_to("nothing.csv")
    (inside / "circle").symlink_to(".")
    (inside / "loop.csv").symlink_to("loop.csv")
    path = f"{drop.server.path(drop.folder)}/in"
    assert names(drop.source(path=path, pattern="**")) == ["a.csv", "same.csv"]
    assert "out.csv is a link that leads out of the folder" in caplog.text


def test_a_link_put_in_place_after_the_listing_is_not_followed_out(drop: Drop) -> None:
    drop.write("secret.csv")
    listed = drop.write("in/a.csv")
    source = drop.source(path=f"{drop.server.path(drop.folder)}/in")
    (item,) = source.discover(None)
    listed.unlink()
    listed.symlink_to("../secret.csv")
    with pytest.raises(SourceItemMissing, match=r"a\.csv is not in"):
        content(source, item)


def test_a_name_that_is_no_text_is_left_out(drop: Drop, caplog: pytest.LogCaptureFixture) -> None:
    drop.write("März.csv")
    Path(os.fsdecode(os.fsencode(drop.folder) + b"/caf\xe9.csv")).write_text("a\n")
    drop.write("line\nbreak.csv")
    assert names(drop.source()) == ["März.csv"]
    assert "has no name that can be written down" in caplog.text


def test_a_missing_folder_is_told(drop: Drop) -> None:
    with pytest.raises(SourceItemMissing, match="nowhere is not there"):
        drop.source(path="/drop/nowhere").check()


def test_a_document_cannot_leave_the_folder_of_its_connection(drop: Drop) -> None:
    with pytest.raises(ConfigError, match="leaves the connection's folder"):
        drop.source(extra={"path": "/drop"}, path="../etc")
    drop.write("a.csv")
    path = drop.folder.name
    assert names(drop.source(extra={"path": "/drop"}, path=path)) == ["a.csv"]


def test_a_young_or_unmarked_file_waits_for_the_next_run(drop: Drop) -> None:
    clock = ManualClock()
    drop.write("old.csv", modified_at=clock.now() - timedelta(minutes=5))
    drop.write("old.csv.done", modified_at=clock.now())
    drop.write("young.csv", modified_at=clock.now() - timedelta(minutes=1))
    limits = {"clock": clock}
    assert names(drop.source(pattern="*.csv", settle="2m", limits=limits)) == ["old.csv"]
    assert names(drop.source(doneSuffix=".done")) == ["old.csv"]


def test_a_file_that_grows_between_two_looks_waits_for_the_next_run(drop: Drop) -> None:
    then = datetime(2024, 1, 1, tzinfo=UTC)
    for name in ("rests.csv", "grows.csv"):
        drop.write(name, modified_at=then)

    class Writer(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            # The sender keeps the old time while it writes.
            drop.write("grows.csv", "a\n1\n2\n", modified_at=then)
            drop.write("new.csv", modified_at=then)

    clock = Writer()
    assert names(drop.source(lookAgain="10s", limits={"clock": clock})) == ["rests.csv"]
    assert clock.slept == [10]


def test_the_checksum_beside_a_file_is_stated_and_compared(drop: Drop, tmp_path: Path) -> None:
    drop.write("a.csv", "a\n1\n")
    written = subprocess.run(["sha256sum", "a.csv"], cwd=drop.folder, capture_output=True, text=True, check=True)
    drop.write("a.csv.sha256", written.stdout)
    drop.write("late.csv")
    source = drop.source(checksumSuffix=".sha256")
    (item,) = source.discover(None)
    assert item.checksum == f"sha256:{written.stdout.split()[0]}"
    assert LandingArea.at(tmp_path).land(item, source)
    drop.write("a.csv.sha256", "no checksum at all")
    with pytest.raises(FormatError, match=r"a\.csv\.sha256 states no checksum of a\.csv"):
        names(source)


def test_a_file_that_may_not_be_read_is_told(drop: Drop) -> None:
    drop.write("a.csv").chmod(0)
    source = drop.source()
    (item,) = source.discover(None)
    with pytest.raises(AccessDenied, match=r"prices: a\.csv: permission denied"):
        content(source, item)


@pytest.mark.parametrize("size", [0, 1, 261_120, 261_121, 3 * MB + 7])
def test_any_range_of_a_file_is_read(drop: Drop, size: int) -> None:
    whole = some_bytes(size)
    drop.write("a.bin", whole)
    source = drop.source()
    (item,) = source.discover(None)
    assert content(source, item) == whole
    for start, stop in ((size // 3, None), (size // 3, size // 2), (0, size // 2)):
        if stop != 0:
            assert content(source, item, Span(start, stop)) == whole[start:stop]


def test_a_server_that_gives_less_at_a_time_than_it_is_asked_for(faulty: FaultyServer) -> None:
    whole = some_bytes(3 * MB)
    (faulty.root / "a.bin").write_bytes(whole)
    faulty.most_bytes = 10_000
    source = source_of(faulty)
    (item,) = source.discover(None)
    assert content(source, item) == whole


def test_one_session_serves_one_item_after_the_other(faulty: FaultyServer) -> None:
    for number in range(5):
        (faulty.root / f"{number}.csv").write_text("a\n")
    source = source_of(faulty)
    for item in source.discover(None):
        content(source, item)
    assert faulty.logins == 1


def test_there_are_never_more_sessions_than_allowed(faulty: FaultyServer) -> None:
    for number in range(8):
        (faulty.root / f"{number}.csv").write_bytes(some_bytes(MB))
    source = source_of(faulty, limits={"connections": 2})
    with ThreadPoolExecutor(8) as threads:
        read = list(threads.map(lambda item: content(source, item), list(source.discover(None))))
    assert read == [some_bytes(MB)] * 8
    assert faulty.logins <= 2


def test_a_session_that_the_server_ended_is_replaced(drop: Drop) -> None:
    drop.write("a.csv")
    source = drop.source()
    (item,) = source.discover(None)
    assert content(source, item) == b"a\n1\n"
    drop.server.end_sessions()
    gone = threading.Event()
    gone.wait(0.2)
    assert content(source, item) == b"a\n1\n"


def test_a_download_goes_on_where_the_server_died(faulty: FaultyServer, tmp_path: Path) -> None:
    size, at = 40 * MB, 20 * MB
    (faulty.root / "a.bin").write_bytes(some_bytes(size))
    died: list[int] = []

    def dies_once(offset: int) -> Any:
        if offset >= at and not died:
            died.append(len(faulty.reads))
            return "die"
        return None

    faulty.fault = dies_once
    source = source_of(faulty)
    (item,) = source.discover(None)
    area = LandingArea.at(tmp_path)
    (part,) = area.land(item, source)
    assert area.content(part) == some_bytes(size)
    assert faulty.logins == 2
    # What was on its way when it died comes again, and nothing else.
    assert min(offset for offset, _ in faulty.reads[died[0] :]) > 0
    assert faulty.read_bytes < size + 17 * MB


def test_a_server_that_says_no_more_is_given_up(faulty: FaultyServer) -> None:
    (faulty.root / "a.bin").write_bytes(some_bytes(40 * MB))
    faulty.fault = lambda offset: "stall" if offset > MB else None
    source = source_of(faulty, limits={"request_timeout_seconds": 0.5})
    (item,) = source.discover(None)
    with pytest.raises(SourceUnavailable, match=r"a\.bin: no answer in time"):
        content(source, item)


def test_a_part_that_may_not_be_read_is_told(faulty: FaultyServer) -> None:
    (faulty.root / "a.bin").write_bytes(some_bytes(2 * MB))
    faulty.fault = lambda offset: "deny" if offset > MB else None
    source = source_of(faulty)
    (item,) = source.discover(None)
    with pytest.raises(AccessDenied):
        content(source, item)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_not_landed(drop: Drop, tmp_path: Path, change: str) -> None:
    path = drop.write("a.bin", some_bytes(40 * MB), modified_at=datetime(2024, 1, 1, tzinfo=UTC))
    source = drop.source()
    (item,) = source.discover(None)
    area = LandingArea.at(tmp_path)
    with pytest.raises(SourceItemChanged, match=r"a\.bin changed after it was listed"):
        area.land(item, Meddled(source, lambda: CHANGES[change](path)))
    assert area.visible() == []
