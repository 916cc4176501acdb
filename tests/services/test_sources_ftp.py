"""FTP sources against pyftpdlib and vsftpd: the way there, what is listed, what arrives."""

from __future__ import annotations

import ftplib
import os
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AccessDenied,
    AddressRefused,
    ConfigError,
    FormatError,
    SourceItemChanged,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.ftp import FtpSource
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import PLANTED_SECRET, ManualClock, access, connection
from tests.services.file_drops import CHANGES, Meddled, content, names, write
from tests.services.ftp_server import FtpServer
from tests.unit.collect.shelf import MB, LandingArea, some_bytes
from tests.unit.network.proxies import recording_proxy


class Drop:
    """A folder of a server, and sources of it."""

    def __init__(self, server: FtpServer) -> None:
        self.server = server
        self.folder = server.folder()
        self.folder.chmod(0o755)
        self.write = partial(write, self.folder)

    def source(self, *, limits: Any = None, stated: Any = None, **options: Any) -> FtpSource:
        extra = {"ca_file": str(self.server.ca_path)}
        fields = {"host": "localhost", "port": self.server.port, "login": self.server.user, "extra": extra}
        wanted = {"protocol": "ftp", "path": self.server.path(self.folder), **options}
        spec = connection("ftp", **{**fields, **(stated or {})})
        return FtpSource(FtpSource.Options.model_validate(wanted), access(spec, **(limits or {})))

    def commands(self, name: str) -> list[str]:
        """What the server was told with this command, in this drop's folder or not, since it began."""
        lines = self.server.log_path.read_text(errors="replace").splitlines()
        return [line.split(f"<- {name} ", 1)[1] for line in lines if f"<- {name} " in line]


def dropped(server: FtpServer) -> Iterator[Drop]:
    drop = Drop(server)
    yield drop
    shutil.rmtree(drop.folder)


@pytest.fixture
def drop(ftp_server: FtpServer) -> Iterator[Drop]:
    """A folder of pyftpdlib."""
    yield from dropped(ftp_server)


@pytest.fixture
def bare_drop(vsftpd_server: FtpServer) -> Iterator[Drop]:
    """A folder of vsftpd, which tells names only."""
    yield from dropped(vsftpd_server)


@pytest.fixture(params=["ftp_server", "vsftpd_server"])
def any_drop(request: pytest.FixtureRequest) -> Iterator[Drop]:
    """A folder of either."""
    yield from dropped(request.getfixturevalue(request.param))


def test_a_check_says_how_it_got_there(any_drop: Drop) -> None:
    said = any_drop.source().check()
    assert said.startswith("prices: logged in by FTP over TLS at localhost, and folder '/")


def test_a_way_without_tls_needs_permission(drop: Drop) -> None:
    plain = {"port": drop.server.plain_port}
    with pytest.raises(ConfigError, match=r"prices: FTP at .* would travel without TLS"):
        drop.source(stated=plain, tls="none").check()
    drop.write("a.csv")
    source = drop.source(stated=plain, tls="none", limits={"protection": {"allow_plaintext": True}})
    (item,) = source.discover(None)
    assert content(source, item) == b"a\n1\n"
    assert "without TLS" in source.check()


def test_a_server_without_tls_gets_no_password(drop: Drop) -> None:
    logins = len(drop.commands("USER"))
    with pytest.raises(ConfigError, match="the server offers no TLS"):
        drop.source(stated={"port": drop.server.plain_port}).check()
    assert len(drop.commands("USER")) == logins


def test_a_certificate_of_another_authority_is_refused(drop: Drop) -> None:
    with pytest.raises(ConfigError, match="certificate is not trusted"):
        drop.source(stated={"extra": {}}).check()


def test_a_certificate_of_another_name_is_refused(drop: Drop) -> None:
    with recording_proxy(towards=("127.0.0.1", drop.server.port)) as proxy:
        extra = {"ca_file": str(drop.server.ca_path), "proxy": f"http://127.0.0.1:{proxy.port}"}
        with pytest.raises(ConfigError, match=r"certificate is not trusted .*files\.example\.com"):
            drop.source(stated={"host": "files.example.com", "extra": extra}).check()


def test_commands_and_data_go_through_the_proxy_of_the_connection(drop: Drop) -> None:
    with recording_proxy() as proxy:
        extra = {"ca_file": str(drop.server.ca_path), "proxy": f"http://127.0.0.1:{proxy.port}"}
        with pytest.raises(SourceUnavailable):
            drop.source(stated={"extra": extra}).check()
    assert proxy.asked[0].startswith(f"CONNECT localhost:{drop.server.port} ")


def test_a_private_address_needs_permission(drop: Drop) -> None:
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1"):
        drop.source(stated={"host": "127.0.0.1"}, limits={"protection": {"allow_private_network": False}}).check()


def test_a_wrong_password_is_told_without_it(any_drop: Drop) -> None:
    secret = f"{PLANTED_SECRET}, mistyped"
    with pytest.raises(AccessDenied, match=r"the login is refused \(reply 530\)") as raised:
        any_drop.source(stated={"secret": secret}).check()
    assert secret not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_server_that_wants_tls_sessions_reused_means_it(bare_drop: Drop) -> None:
    """What the others of this file prove of the source, a client without it shows."""
    bare_drop.write("a.csv")
    context = ssl.create_default_context(cafile=bare_drop.server.ca_path)
    with ftplib.FTP_TLS(context=context) as client:
        client.connect("localhost", bare_drop.server.port)
        client.login(bare_drop.server.user, bare_drop.server.password)
        client.prot_p()
        with pytest.raises((ftplib.error_perm, OSError)):
            client.retrbinary(f"RETR {bare_drop.server.path(bare_drop.folder)}/a.csv", len)


def test_only_files_that_match_are_listed_with_size_and_time(any_drop: Drop) -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    for name in ("b.csv", "a.csv", "c.txt", ".hidden.csv", "d.csv.filepart", "folder.csv/e.csv"):
        any_drop.write(name, modified_at=moment)
    items = list(any_drop.source(pattern="*.csv").discover(None))
    assert [item.id for item in items] == ["a.csv", "b.csv"]
    assert {(item.size_bytes, item.modified_at, item.ranges) for item in items} == {(4, moment, 1)}


def test_an_empty_folder_has_no_items(any_drop: Drop) -> None:
    assert names(any_drop.source()) == []


def test_folders_are_entered_as_the_pattern_leads(drop: Drop) -> None:
    for name in ("a.csv", "2024/b.csv", "2024/01/c.csv"):
        drop.write(name)
    (drop.folder / "2024" / "circle").symlink_to("../2024")
    assert names(drop.source(pattern="2024/*.csv")) == ["2024/b.csv"]
    assert set(names(drop.source(pattern="**/*.csv"))) >= {"a.csv", "2024/b.csv", "2024/01/c.csv"}
    item = next(item for item in drop.source(pattern="**/*.csv").discover(None) if item.id == "2024/01/c.csv")
    assert content(drop.source(), item) == b"a\n1\n"


def test_a_server_that_tells_names_only_is_asked_for_no_folders(bare_drop: Drop) -> None:
    with pytest.raises(ConfigError, match="lists names only"):
        names(bare_drop.source(pattern="**/*.csv"))


def test_a_missing_folder_is_told(any_drop: Drop) -> None:
    with pytest.raises(SourceItemMissing, match="folder /nowhere is not there"):
        any_drop.source(path="/nowhere").check()


def test_a_name_that_is_no_text_is_left_out(bare_drop: Drop) -> None:
    bare_drop.write("März.csv")
    Path(os.fsdecode(os.fsencode(bare_drop.folder) + b"/caf\xe9.csv")).write_text("a\n")
    source = bare_drop.source()
    assert names(source) == ["März.csv"]
    (item,) = source.discover(None)
    assert content(source, item) == b"a\n1\n"


def test_a_file_that_grows_between_two_looks_waits_for_the_next_run(any_drop: Drop) -> None:
    any_drop.write("grows.csv")
    any_drop.write("rests.csv")

    class Writer(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            any_drop.write("grows.csv", "a\n1\n2\n")

    assert names(any_drop.source(lookAgain="10s", limits={"clock": Writer()})) == ["rests.csv"]


def test_marks_and_checksums_beside_files_are_heeded(any_drop: Drop, tmp_path: Path) -> None:
    any_drop.write("a.csv", "a\n1\n")
    any_drop.write("a.csv.md5", "MD5 (a.csv) = d40dd9d8f0f06dd75f1f9a2d2a9fe0ac\n")
    any_drop.write("a.csv.done", "")
    any_drop.write("b.csv")
    assert names(any_drop.source(pattern="*.csv", doneSuffix=".done")) == ["a.csv"]
    source = any_drop.source(pattern="*.csv", checksumSuffix=".md5")
    (item,) = source.discover(None)
    assert item.checksum == "md5:d40dd9d8f0f06dd75f1f9a2d2a9fe0ac"
    any_drop.write("a.csv.md5", "nothing")
    with pytest.raises(FormatError):
        names(source)


@pytest.mark.parametrize("size", [0, 1, 3 * MB + 7])
def test_any_range_of_a_file_is_read(any_drop: Drop, size: int) -> None:
    whole = some_bytes(size)
    any_drop.write("a.bin", whole)
    source = any_drop.source()
    (item,) = source.discover(None)
    assert content(source, item) == whole
    if size > 1:
        for start, stop in ((size // 3, None), (size // 3, size // 2), (0, size // 2)):
            assert content(source, item, Span(start, stop)) == whole[start:stop]


def test_one_session_serves_one_item_after_the_other(drop: Drop) -> None:
    for number in range(5):
        drop.write(f"{number}.csv")
    logins = len(drop.commands("USER"))
    source = drop.source()
    assert len([content(source, item) for item in source.discover(None)]) == 5
    assert len(drop.commands("USER")) == logins + 1


def test_a_download_goes_on_where_the_session_broke(drop: Drop, tmp_path: Path) -> None:
    size = 8 * MB
    drop.write("dies-at-3000000.bin", some_bytes(size))
    source = drop.source(pattern="*.bin")
    (item,) = source.discover(None)
    area, before = LandingArea.at(tmp_path), len(drop.commands("REST"))
    (part,) = area.land(item, source)
    assert area.content(part) == some_bytes(size)
    asked = [int(offset) for offset in drop.commands("REST")[before:]]
    assert len(asked) == 1
    assert 2_000_000 < asked[0] < size


def test_a_server_that_sends_no_more_is_given_up(drop: Drop) -> None:
    drop.write("stalls-at-1000000.bin", some_bytes(4 * MB))
    source = drop.source(limits={"request_timeout_seconds": 0.5})
    (item,) = source.discover(None)
    with pytest.raises(SourceUnavailable, match="no answer in time"):
        content(source, item)


def test_a_file_that_may_not_be_read_is_told(bare_drop: Drop) -> None:
    bare_drop.write("a.csv").chmod(0)
    source = bare_drop.source()
    (item,) = source.discover(None)
    with pytest.raises(AccessDenied, match=r"prices: a\.csv: the server refuses"):
        content(source, item)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_not_landed(any_drop: Drop, tmp_path: Path, change: str) -> None:
    path = any_drop.write("a.bin", some_bytes(20 * MB), modified_at=datetime(2024, 1, 1, tzinfo=UTC))
    source = any_drop.source()
    (item,) = source.discover(None)
    area = LandingArea.at(tmp_path)
    with pytest.raises(SourceItemChanged, match=r"a\.bin changed after it was listed"):
        area.land(item, Meddled(source, lambda: CHANGES[change](path)))
    assert area.visible() == []
