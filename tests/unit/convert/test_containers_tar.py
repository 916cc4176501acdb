"""tar archives of every dialect, and what is refused."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from pathlib import Path

import pytest

from finport_ingestion.engine.convert.containers.tar_headers import BrokenHeader, is_header, pax_records
from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.test_unpack import CSV, opened, raw, tarred

LONG = "/".join(["a-long-folder-name"] * 12) + "/prices.csv"
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def entry(name: str = "a.csv", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytearray:
    header = tarfile.TarInfo(name)
    header.size = size
    header.type = kind
    header.linkname = "../target" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return bytearray(header.tobuf(tarfile.GNU_FORMAT))


def summed(header: bytearray) -> bytes:
    """The header with its checksum put right."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("dialect", FORMATS)
def test_every_dialect(dialect: int, tmp_path: Path) -> None:
    file = raw(tmp_path, tarred(("a.csv", CSV), ("b.csv", b""), dialect=dialect), "x.tar")
    assert opened(file) == ({"landing/x.tar!a.csv": CSV, "landing/x.tar!b.csv": b""}, "tar", ())


@pytest.mark.parametrize("dialect", FORMATS)
def test_long_names(dialect: int, tmp_path: Path) -> None:
    name = LONG[-150:].lstrip("/") if dialect == tarfile.USTAR_FORMAT else LONG
    file = raw(tmp_path, tarred((name, CSV), ("b", b"b"), dialect=dialect), "x.tar")
    assert opened(file)[0] == {f"landing/x.tar!{name}": CSV, "landing/x.tar!b": b"b"}


@pytest.mark.parametrize("dialect", FORMATS[1:])
def test_names_outside_ascii(dialect: int, tmp_path: Path) -> None:
    assert list(opened(raw(tmp_path, tarred(("März-价格.csv", b"a"), dialect=dialect), "x"))[0]) == [
        "landing/x!März-价格.csv"
    ]


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    header = entry("Maerz.csv")
    header[:9] = b"M\xe4rz.csv\0"
    assert list(opened(raw(tmp_path, summed(header) + bytes(1024)))[0]) == ["landing/in.bin!März.csv"]


def test_folders_are_no_data(tmp_path: Path) -> None:
    packed = summed(entry("day/", kind=tarfile.DIRTYPE)) + tarred(("day/a.csv", b"a"))
    assert list(opened(raw(tmp_path, packed))[0].values()) == [b"a"]


def test_a_size_in_base_256(tmp_path: Path) -> None:
    header = entry(size=3)
    header[124:136] = b"\x80" + (3).to_bytes(11, "big")
    packed = summed(header) + b"abc".ljust(512, b"\0") + bytes(1024)
    assert list(opened(raw(tmp_path, packed))[0].values()) == [b"abc"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (b"M", "several volumes"),
        (b"Z", "unknown kind"),
    ],
)
def test_what_is_no_file_is_refused(kind: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        opened(raw(tmp_path, tarred(("a", b"a"))[:1024] + summed(entry(kind=kind)) + bytes(1024)))


@pytest.mark.parametrize("left", [512, 1024, 1500, 2048, 2560])
def test_an_archive_cut_anywhere_is_refused_between_two_files_too(left: int, tmp_path: Path) -> None:
    packed = tarred(("a", b"a" * 512), ("b", b"b" * 1024))
    assert len(packed) > 2560
    with pytest.raises(FormatError, match="cut"):
        opened(raw(tmp_path, packed[:left]))


def test_an_archive_that_another_one_was_appended_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="more data follows the end of the tar archive at byte 1536"):
        opened(raw(tmp_path, tarred(("a", b"a")) + tarred(("b", b"b"))))


def test_a_damaged_header_is_refused_with_its_place(tmp_path: Path) -> None:
    packed = bytearray(tarred(("a", b"a"), ("b", b"b")))
    packed[1024 + 3] = 0xFF
    with pytest.raises(FormatError, match="damaged at byte 1024: a header has a wrong checksum"):
        opened(raw(tmp_path, bytes(packed)))


@pytest.mark.parametrize("size", [b"-0000000001\0", b"\xff" * 12, b"99999999999\0"])
def test_a_size_that_is_none_is_refused(size: bytes, tmp_path: Path) -> None:
    header = entry()
    header[124:136] = size
    with pytest.raises(FormatError, match="a size is"):
        opened(raw(tmp_path, summed(header) + bytes(1024)))


def test_an_extended_header_of_any_size_is_not_held_in_memory(tmp_path: Path) -> None:
    packed = summed(entry(size=1 << 30, kind=tarfile.XHDTYPE)) + bytes(2048)
    with pytest.raises(FormatError, match="an extended header of 1073741824 bytes"):
        opened(raw(tmp_path, packed))


def test_a_header_that_slows_other_readers_down_takes_no_time(tmp_path: Path) -> None:
    digits = b"1" * (1 << 20)
    packed = summed(entry(size=len(digits), kind=tarfile.XHDTYPE)) + digits + summed(entry()) + bytes(1024)
    began = time.process_time()
    with pytest.raises(FormatError, match="an extended header is broken"):
        opened(raw(tmp_path, gzip.compress(packed)))
    assert time.process_time() - began < 5


def test_many_extended_headers_in_a_row_end(tmp_path: Path) -> None:
    one = summed(entry(size=12, kind=tarfile.XHDTYPE)) + b"12 path=abc\n".ljust(512, b"\0")
    file = raw(tmp_path, gzip.compress(one * 5000 + tarred(("x", b"1"))))
    assert opened(file)[0] == {"landing/in.bin!abc": b"1"}


def test_sparse_files_of_pax_are_refused(tmp_path: Path) -> None:
    record = b"22 GNU.sparse.major=1\n"
    packed = summed(entry(size=22, kind=tarfile.XHDTYPE)) + record.ljust(512, b"\0") + tarred(("x", b"1"))
    with pytest.raises(FormatError, match="a sparse file"):
        opened(raw(tmp_path, packed))


def test_pax_records_are_read_by_their_lengths() -> None:
    assert pax_records(b"18 path=a=b\nc.csv\n11 size=12\n\0\0") == {"path": "a=b\nc.csv", "size": "12"}
    for broken in (b"5 path=abc\n", b"path=abc\n", b"99 path=abc\n", b"0 a=\n", b"4 a\n"):
        with pytest.raises(BrokenHeader):
            pax_records(broken)


def test_an_archive_of_before_posix(tmp_path: Path) -> None:
    header = entry(size=1)
    header[156:] = bytes(len(header) - 156)
    packed = summed(header) + b"x".ljust(512, b"\0") + bytes(1024)
    assert list(opened(raw(tmp_path, packed))[0].values()) == [b"x"]


def test_text_is_no_archive() -> None:
    assert not is_header(CSV[:512])
    assert not is_header(bytes(512))
    assert not is_header(b"")


def test_an_archive_written_by_the_standard_library_and_padded(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", bufsize=1 << 20) as archive:
        header = tarfile.TarInfo("a")
        header.size = 1
        archive.addfile(header, io.BytesIO(b"1"))
    assert list(opened(raw(tmp_path, out.getvalue() + bytes(100_000)))[0].values()) == [b"1"]
