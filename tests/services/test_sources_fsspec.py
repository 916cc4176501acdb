"""Whatever fsspec speaks: HDFS by its web service, archives on it, and what is kept away from such clients."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from finport_ingestion.engine.errors import (
    AddressRefused,
    ConfigError,
    SourceItemChanged,
    SourceItemMissing,
    UnknownPlugin,
)
from finport_ingestion.engine.sources.fsspec_files import FsspecSource
from finport_ingestion.engine.sources.interface import Span
from tests.conformance.sources.access import UNESCAPED_SECRET, access, connection
from tests.services.hdfs_server import USER, Hdfs
from tests.services.object_sources import listed, read

CONTENT = b"isin,close\n" * 100_000
ALLOWED = {"allow_private_network": True, "allow_plaintext": True}


def source_of(
    url: str,
    *,
    protection: dict[str, Any] | None = None,
    storage_options: dict[str, Any] | None = None,
    login: str | None = None,
    secret: str | None = None,
    **options: Any,
) -> FsspecSource:
    """A source of a URL, as a document and a connection state it."""
    chosen = {"protocol": "fsspec", "url": url, "pattern": "**/*", "loginAs": "user", **options}
    spec = connection("fsspec", login=login, secret=secret, extra={"storage_options": storage_options or {}})
    return FsspecSource(FsspecSource.Options.model_validate(chosen), access(spec, protection=protection or ALLOWED))


def url_of(server: Hdfs, path: str) -> str:
    return f"webhdfs://127.0.0.1:{server.port}{path}"


def test_a_file_comes_whole_and_from_any_byte_on(hdfs: Hdfs, hdfs_folder: str) -> None:
    hdfs.client().pipe_file(f"{hdfs_folder}/prices.csv", CONTENT)
    source = source_of(url_of(hdfs, hdfs_folder), login=USER)
    item = listed(source)["prices.csv"]
    assert item.ranges == 1
    assert read(source, item) == CONTENT
    assert read(source, item, Span(7, 20)) == CONTENT[7:20]
    assert read(source, item, Span(len(CONTENT) - 5)) == CONTENT[-5:]


def test_a_file_that_is_replaced_while_it_is_read_is_noticed(hdfs: Hdfs, hdfs_folder: str) -> None:
    hdfs.client().pipe_file(f"{hdfs_folder}/prices.csv", CONTENT)
    source = source_of(url_of(hdfs, hdfs_folder), login=USER)
    deliveries = source.open(listed(source)["prices.csv"])
    next(deliveries).stream.read(100)
    hdfs.client().pipe_file(f"{hdfs_folder}/prices.csv", CONTENT[::-1])
    with pytest.raises(SourceItemChanged):
        next(deliveries)


def test_what_the_sender_states_beside_a_file_is_its_checksum(hdfs: Hdfs, hdfs_folder: str) -> None:
    stated = hashlib.sha256(CONTENT).hexdigest()
    hdfs.client().pipe_file(f"{hdfs_folder}/a.csv", CONTENT)
    hdfs.client().pipe_file(f"{hdfs_folder}/a.csv.sha256", f"{stated}  a.csv\n".encode())
    source = source_of(url_of(hdfs, hdfs_folder), login=USER, checksumSuffix=".sha256")
    assert {item.id: item.checksum for item in listed(source).values()} == {"a.csv": f"sha256:{stated}"}


def test_members_of_an_archive_are_files(hdfs: Hdfs, hdfs_folder: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/a.csv", CONTENT)
        archive.writestr("b.csv", "b\n")
    hdfs.client().pipe_file(f"{hdfs_folder}/prices.zip", packed.getvalue())
    source = source_of(f"zip::{url_of(hdfs, hdfs_folder)}/prices.zip", login=USER)
    items = listed(source)
    assert list(items) == ["b.csv", "in/a.csv"]
    assert read(source, items["in/a.csv"]) == CONTENT


def test_a_folder_that_is_not_there_is_no_empty_one(hdfs: Hdfs, hdfs_folder: str) -> None:
    source = source_of(url_of(hdfs, f"{hdfs_folder}/nowhere"), login=USER)
    for use in (source.check, lambda: listed(source)):
        with pytest.raises(SourceItemMissing):
            use()


def test_a_client_that_resolves_names_itself_needs_the_private_network_allowed() -> None:
    with pytest.raises(AddressRefused, match="resolves names by itself") as raised:
        source_of("webhdfs://namenode.example.com/prices", protection={"allow_private_network": False})
    assert "allowPrivateNetwork" in (raised.value.hint or "")


@pytest.mark.parametrize("url", ["webhdfs://127.0.0.1/x", "smb://server/share", "hdfs://server/x"])
def test_a_protocol_without_tls_is_refused_where_it_is_not_allowed(url: str) -> None:
    with pytest.raises(ConfigError, match="without TLS"):
        source_of(url, protection={"allow_private_network": True, "min_tls": "1.2"})


def test_an_address_in_clear_among_the_options_counts_as_well() -> None:
    with pytest.raises(ConfigError, match="without TLS"):
        source_of(
            "dbfs://x/y",
            storage_options={"instance": "http://127.0.0.1"},
            protection={"allow_private_network": True, "min_tls": "1.2"},
        )


def test_a_client_whose_tls_cannot_be_held_to_a_version_needs_that_stated() -> None:
    over_tls = {"use_https": True}
    url = "webhdfs://127.0.0.1/x"
    with pytest.raises(ConfigError, match=r"held to TLS 1\.3"):
        source_of(url, protection={"allow_private_network": True}, storage_options=over_tls)
    source_of(url, protection={"allow_private_network": True, "min_tls": "1.2"}, storage_options=over_tls)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("file:///etc", "file"),
        ("local:///etc", "file"),
        ("s3://bucket/x", "s3"),
        ("abfs://container/x", "azure_blob"),
        ("gs://bucket/x", "gcs"),
        ("https://example.com/x", "http"),
        ("sftp://example.com/x", "sftp"),
        ("ftp://example.com/x", "ftp"),
        ("zip::file:///etc/x.zip", "file"),
        ("zip::s3://bucket/x.zip", "s3"),
    ],
)
def test_what_a_protocol_of_ours_reads_is_left_to_it(url: str, ours: str) -> None:
    with pytest.raises(ConfigError) as raised:
        source_of(url)
    assert raised.value.hint == f"state protocol: {ours}"


@pytest.mark.parametrize(
    "url",
    [
        "filecache::memory://x",
        "dir::memory://x",
        "reference://x",
        "git:///repository",
        "generic://x",
        "memory::zip://x",
        "zip:///x",
    ],
)
def test_what_uses_this_machine_or_leads_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        source_of(url)


def test_a_scheme_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnknownPlugin, match="nonsense://"):
        source_of("nonsense://x")


def test_a_client_that_is_not_installed_is_named() -> None:
    with pytest.raises(UnknownPlugin) as raised:
        source_of("dropbox://x", protection={"allow_private_network": True, "min_tls": "1.2"}).check()
    assert "pip install" in (raised.value.hint or "")


@pytest.mark.parametrize(
    "options",
    [
        {"session_verify": False},
        {"verify": 0},
        {"client_kwargs": {"verify_ssl": "false"}},
        {"ssl": None},
        {"insecure": True},
        {"skip_checks": True},
    ],
)
def test_no_option_turns_a_safeguard_off(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="turn a safeguard off"):
        source_of("webhdfs://127.0.0.1/x", storage_options=options)


def test_what_such_a_client_cannot_be_told_is_not_passed_over() -> None:
    for stated in ({"proxy": "http://127.0.0.1:1"}, {"ca_file": "/ca.pem"}):
        with pytest.raises(ConfigError, match="cannot be handed"):
            source_of("webhdfs://127.0.0.1/x", protection={**ALLOWED, **stated})


def test_credentials_do_not_stand_in_the_url() -> None:
    with pytest.raises(ConfigError, match="holds credentials") as raised:
        source_of(f"smb://us:{UNESCAPED_SECRET}@server/share")
    assert UNESCAPED_SECRET not in str(raised.value)


def test_a_path_does_not_leave_the_folder() -> None:
    with pytest.raises(ConfigError, match="leaves the folder"):
        source_of("memory://prices", path="../other")


def test_files_in_memory_are_files_too() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/finport-tests/a.json", json.dumps({"close": 1}).encode())
    try:
        source = source_of("memory://finport-tests", protection={})
        assert read(source, listed(source)["a.json"]) == b'{"close": 1}'
    finally:
        memory.rm("/finport-tests", recursive=True)
