"""S3 over versitygw: versions, ranges, checksums, names, paging, and the ways a bucket is written wrongly."""

from __future__ import annotations

import hashlib
import random
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from finport_ingestion.engine.errors import ChecksumMismatch, ConfigError, PermanentError, SourceItemChanged
from finport_ingestion.engine.sources.interface import Span
from finport_ingestion.engine.sources.s3 import S3Source
from tests.conformance.sources.access import access, connection
from tests.services.object_sources import (
    compared,
    listed,
    read,
    s3_access,
    s3_options,
    s3_source,
    stated_checksums,
    with_gate,
)
from tests.services.s3_server import S3Server
from tests.services.versitygw_server import Versitygw

CONTENT = random.Random(1).randbytes(3 << 20)
PART_BYTES = 5 << 20
NAMES = (
    "a b.csv",
    "ü.csv",
    "a%20b.csv",
    "a#b?.csv",
    "a+b.csv",
    "x&y=1.csv",
    "q'\"uote.csv",
    "star*[x].csv",
    "deep/in/a.csv",
)


def put(server: Versitygw, bucket: str, key: str, content: bytes, **stated: str) -> None:
    server.client().put_object(Bucket=bucket, Key=key, Body=content, **stated)


def test_ranges_side_by_side_make_the_whole(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "big.bin", CONTENT)
    source = s3_source(versitygw, versitygw_bucket)
    item = listed(source)["big.bin"]
    assert item.ranges == 10
    step = 300_000
    spans = [Span(start, min(start + step, len(CONTENT))) for start in range(0, len(CONTENT), step)]
    with ThreadPoolExecutor(10) as threads:
        pieces = list(threads.map(lambda span: read(source, item, span), spans))
    assert b"".join(pieces) == CONTENT
    assert read(source, item, Span(len(CONTENT) - 5)) == CONTENT[-5:]


def test_ranges_of_two_versions_never_come_together(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "prices.csv", CONTENT)
    source = s3_source(versitygw, versitygw_bucket)
    item = listed(source)["prices.csv"]
    assert read(source, item, Span(0, 1000)) == CONTENT[:1000]
    put(versitygw, versitygw_bucket, "prices.csv", CONTENT[::-1])
    with pytest.raises(SourceItemChanged):
        read(source, item, Span(1000, 2000))


def test_a_shorter_version_is_another_version(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "prices.csv", CONTENT)
    source = s3_source(versitygw, versitygw_bucket)
    item = listed(source)["prices.csv"]
    put(versitygw, versitygw_bucket, "prices.csv", b"short")
    with pytest.raises(SourceItemChanged):
        read(source, item, Span(1000, 2000))


def test_an_object_without_etag_is_told_apart_by_size_and_time(versitygw: Versitygw, versitygw_bucket: str) -> None:
    # Put into the gateway's folder behind its back, as its users do.
    file = versitygw.data_folder / versitygw_bucket / "prices.csv"
    file.write_bytes(b"one")
    source = s3_source(versitygw, versitygw_bucket)
    item = listed(source)["prices.csv"]
    assert item.etag is None
    assert read(source, item) == b"one"
    file.write_bytes(b"three")
    with pytest.raises(SourceItemChanged):
        read(source, item)


def test_the_checksum_is_the_one_that_was_uploaded_or_an_etag_that_is_an_md5(
    versitygw: Versitygw, versitygw_bucket: str
) -> None:
    put(versitygw, versitygw_bucket, "sha256.csv", CONTENT, ChecksumAlgorithm="SHA256")
    put(versitygw, versitygw_bucket, "plain.csv", CONTENT)
    assert stated_checksums(s3_source(versitygw, versitygw_bucket)) == {
        "sha256.csv": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
        "plain.csv": f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}",
    }


def test_an_upload_in_parts_has_no_checksum_of_the_whole(versitygw: Versitygw, versitygw_bucket: str) -> None:
    client = versitygw.client()
    place = {"Bucket": versitygw_bucket, "Key": "parts.bin"}
    upload = client.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")["UploadId"]
    parts = []
    for number, content in enumerate((b"a" * PART_BYTES, b"end"), start=1):
        part = client.upload_part(**place, UploadId=upload, PartNumber=number, Body=content, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    source = s3_source(versitygw, versitygw_bucket)
    assert stated_checksums(source) == {"parts.bin": None}
    assert read(source, listed(source)["parts.bin"]) == b"a" * PART_BYTES + b"end"


def test_bytes_that_rotted_in_the_store_are_not_taken(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "prices.csv", CONTENT, ChecksumAlgorithm="SHA256")
    source = s3_source(versitygw, versitygw_bucket)
    list(compared(source, listed(source)["prices.csv"]))
    with (versitygw.data_folder / versitygw_bucket / "prices.csv").open("r+b") as file:
        file.write(b"rot")
    with pytest.raises(ChecksumMismatch):
        list(compared(source, listed(source)["prices.csv"]))


def test_without_checksums_nothing_more_is_asked_for(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "prices.csv", b"x")

    def requests(**options: bool) -> int:
        chosen = s3_options(versitygw_bucket, **options)
        source, gate = with_gate(lambda access: S3Source(chosen, access), s3_access(versitygw))
        read(source, listed(source)["prices.csv"])
        assert {answer.outcome for answer in gate.answers} == {"good"}
        assert len(gate.answers) == gate.admitted
        return gate.admitted

    assert (requests(), requests(checksums=False)) == (3, 2)


def test_what_the_sender_states_beside_an_object_is_its_checksum(versitygw: Versitygw, versitygw_bucket: str) -> None:
    stated = hashlib.sha256(CONTENT).hexdigest()
    put(versitygw, versitygw_bucket, "daily/a.csv", CONTENT)
    put(versitygw, versitygw_bucket, "daily/a.csv.sha256", f"{stated}  a.csv\n".encode())
    put(versitygw, versitygw_bucket, "daily/unfinished.csv", CONTENT)
    source = s3_source(versitygw, versitygw_bucket, options={"path": "daily", "checksumSuffix": ".sha256"})
    items = listed(source)
    assert {item.id: item.checksum for item in items.values()} == {"a.csv": f"sha256:{stated}"}
    assert stated_checksums(source) == {"a.csv": f"sha256:{stated}"}


def test_an_object_is_finished_once_its_mark_is_there(versitygw: Versitygw, versitygw_bucket: str) -> None:
    for key in ("a.csv", "b.csv", "b.csv.done"):
        put(versitygw, versitygw_bucket, key, b"" if key.endswith("done") else b"x")
    source = s3_source(versitygw, versitygw_bucket, options={"doneSuffix": ".done"})
    assert list(listed(source)) == ["b.csv"]


def test_what_was_written_just_now_waits_for_the_next_run(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "a.csv", b"x")
    assert listed(s3_source(versitygw, versitygw_bucket, options={"settle": "1h"})) == {}


def test_a_folder_that_a_console_drew_is_no_object(versitygw: Versitygw, versitygw_bucket: str) -> None:
    put(versitygw, versitygw_bucket, "drawn/", b"")
    put(versitygw, versitygw_bucket, "empty.csv", b"")
    source = s3_source(versitygw, versitygw_bucket)
    assert list(listed(source)) == ["empty.csv"]
    assert read(source, listed(source)["empty.csv"]) == b""


def test_a_prefix_ends_at_a_slash_and_what_the_pattern_names_outright_is_all_that_is_listed(
    versitygw: Versitygw, versitygw_bucket: str
) -> None:
    for key in ("daily/2024/a.csv", "daily/2023/b.csv", "daily-old/2024/c.csv", "daily/2024/deep/d.csv"):
        put(versitygw, versitygw_bucket, key, key.encode())
    source = s3_source(versitygw, versitygw_bucket, options={"path": "/daily/", "pattern": "2024/*.csv"})
    items = listed(source)
    assert list(items) == ["2024/a.csv"]
    assert read(source, items["2024/a.csv"]) == b"daily/2024/a.csv"


def test_names_are_what_the_sender_gave(versitygw: Versitygw, versitygw_bucket: str) -> None:
    for name in NAMES:
        put(versitygw, versitygw_bucket, name, name.encode())
    source = s3_source(versitygw, versitygw_bucket)
    assert {item.id: read(source, item).decode() for item in listed(source).values()} == {name: name for name in NAMES}
    assert set(stated_checksums(source).values()) == {
        f"md5:{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}" for name in NAMES
    }


def test_every_page_of_a_listing_is_counted(versitygw: Versitygw, versitygw_bucket: str) -> None:
    folder = versitygw.data_folder / versitygw_bucket / "many"
    folder.mkdir()
    for number in range(2100):
        (folder / f"{number:04d}.csv").write_bytes(b"x")
    options = s3_options(versitygw_bucket, path="many", pattern="*.csv")
    source, gate = with_gate(lambda access: S3Source(options, access), s3_access(versitygw))
    assert len(listed(source)) == 2100
    assert gate.admitted == 3
    shutil.rmtree(folder)  # one by one, it takes its time


@pytest.mark.parametrize("key", ["a//b.csv", "../up.csv", "tab\tin.csv"])
def test_a_key_that_is_no_path_is_told_and_not_read_around(s3_server: S3Server, s3_bucket: str, key: str) -> None:
    s3_server.client().put_object(Bucket=s3_bucket, Key=key, Body=b"x")
    s3_server.client().put_object(Bucket=s3_bucket, Key="good/a.csv", Body=b"x")
    extra = {"endpoint_url": s3_server.endpoint_url, "region_name": s3_server.region}
    made = access(connection("aws", login=s3_server.access_key, extra=extra), protection={"allow_plaintext": True})
    with pytest.raises(PermanentError, match="cannot be written as a path"):
        listed(S3Source(s3_options(s3_bucket), made))
    assert list(listed(S3Source(s3_options(s3_bucket, path="good"), made))) == ["a.csv"]


def test_a_path_that_leaves_the_bucket_is_a_mistake(versitygw: Versitygw) -> None:
    for path in ("../other", "a//b", "a/./b"):
        with pytest.raises(ConfigError, match="no prefix"):
            s3_source(versitygw, "prices", options={"path": path})
