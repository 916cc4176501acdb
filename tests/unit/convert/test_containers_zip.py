"""zip archives: every way of writing them, passwords, and what is refused."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import pyzipper
import zstandard

from finport_ingestion.engine.errors import AccessDenied, FormatError
from tests.unit.convert.test_unpack import CSV, limited, opened, raw, zipped


def locked(password: str, *, encryption: Any = pyzipper.WZ_AES, content: bytes = CSV) -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", compression=zipfile.ZIP_DEFLATED, encryption=encryption) as archive:
        archive.setpassword(password.encode())
        archive.writestr("a.csv", content)
    return out.getvalue()


def zip_crypto(password: bytes, content: bytes) -> bytes:
    """A stored entry under the old encryption, which no library here writes (APPNOTE 6.1)."""
    table = [zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256)]
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

    for byte in password:
        update(byte)
    crc = zlib.crc32(content)
    secret = bytearray()
    for byte in bytes(11) + bytes([crc >> 24]) + content:
        mask = keys[2] | 2
        secret.append(byte ^ ((mask * (mask ^ 1) >> 8) & 0xFF))
        update(byte)
    archive = bytearray(zipped(("a.csv", bytes(secret)), method=zipfile.ZIP_STORED))
    for at, shift in ((archive.index(b"PK\3\4"), 0), (archive.index(b"PK\1\2"), 2)):
        archive[at + 6 + shift] |= 1
        struct.pack_into("<I", archive, at + 14 + shift, crc)
        struct.pack_into("<I", archive, at + 22 + shift, len(content))
    return bytes(archive)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_that_zip_tools_write(method: int, tmp_path: Path) -> None:
    file = raw(tmp_path, zipped(("a.csv", CSV), ("b.csv", b""), method=method), "x.zip")
    assert opened(file) == ({"landing/x.zip!a.csv": CSV, "landing/x.zip!b.csv": b""}, "zip", ())


def test_zstd_inside_a_zip(tmp_path: Path) -> None:
    packed = zstandard.compress(CSV)
    archive = bytearray(zipped(("a.csv", packed), method=zipfile.ZIP_STORED))
    for at, shift in ((archive.index(b"PK\3\4"), 0), (archive.index(b"PK\1\2"), 2)):
        struct.pack_into("<H", archive, at + 8 + shift, 93)
        struct.pack_into("<I", archive, at + 14 + shift, zlib.crc32(CSV))
        struct.pack_into("<I", archive, at + 22 + shift, len(CSV))
    assert list(opened(raw(tmp_path, bytes(archive)))[0].values()) == [CSV]


def test_a_method_that_is_not_read_is_named(tmp_path: Path) -> None:
    archive = bytearray(zipped(("a.csv", CSV)))
    struct.pack_into("<H", archive, archive.index(b"PK\1\2") + 10, 9)
    with pytest.raises(FormatError, match=r"zip method 9.*ordinary zip"):
        opened(raw(tmp_path, bytes(archive)))


def test_zip64_and_sizes_behind_the_data(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.csv", "w", force_zip64=True) as member:
            member.write(CSV)
        with archive.open("b.csv", "w", force_zip64=True) as member:
            member.write(b"b\n")
    assert list(opened(raw(tmp_path, out.getvalue()))[0].values()) == [CSV, b"b\n"]


def test_a_zip64_end_record_is_read(tmp_path: Path) -> None:
    plain = zipped(("a.csv", CSV))
    end = plain.rindex(b"PK\5\6")
    size, at = struct.unpack_from("<II", plain, end + 12)
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, at)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    last = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    file = raw(tmp_path, plain[:end] + record + locator + last)
    assert list(opened(file)[0].values()) == [CSV]


def test_names_outside_ascii(tmp_path: Path) -> None:
    file = raw(tmp_path, zipped(("Kurse März.csv", b"a"), ("价格.csv", b"b")), "x.zip")
    assert list(opened(file)[0]) == ["landing/x.zip!Kurse März.csv", "landing/x.zip!价格.csv"]


@pytest.mark.parametrize("encryption", [pyzipper.WZ_AES])
@pytest.mark.parametrize("password", ["secret", "gehäim"])
def test_a_password_opens_aes(encryption: Any, password: str, tmp_path: Path) -> None:
    file = raw(tmp_path, locked(password, encryption=encryption))
    assert list(opened(file, password=password)[0].values()) == [CSV]


def test_a_password_opens_the_old_encryption(tmp_path: Path) -> None:
    file = raw(tmp_path, zip_crypto(b"secret", CSV[:5000]))
    assert list(opened(file, password="secret")[0].values()) == [CSV[:5000]]
    with pytest.raises(AccessDenied, match=r"does not open the entry 'a\.csv'"):
        opened(file, password="wrong")


def test_a_password_in_the_letters_of_an_old_system(tmp_path: Path) -> None:
    file = raw(tmp_path, zip_crypto("gehäim".encode("cp437"), CSV[:500]))
    assert list(opened(file, password="gehäim")[0].values()) == [CSV[:500]]


@pytest.mark.parametrize(("password", "message"), [(None, "there is no password"), ("wrong", "does not open")])
def test_without_the_right_password_the_fix_is_said(
    password: str | None, message: str, tmp_path: Path, scratch: Path
) -> None:
    with pytest.raises(AccessDenied, match=f"{message}.*connection"):
        opened(raw(tmp_path, locked("secret")), password=password, scratch=scratch)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_password_is_not_asked_for_where_nothing_is_encrypted(tmp_path: Path) -> None:
    from finport_ingestion.engine.convert.unpack import unpacked
    from finport_ingestion.engine.options import UnpackOptions

    def never() -> str:
        raise AssertionError

    with unpacked(raw(tmp_path, zipped(("a", b"1"))), options=UnpackOptions(), password=never) as found:
        assert len(found.files) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("[Content_Types].xml", "xl/workbook.xml"),
        ("xl/workbook.xml", "[Content_Types].xml"),
        ("mimetype", "content.xml"),
        ("a.npy", "b.npy"),
    ],
)
def test_documents_that_are_zips_themselves_stay_whole(names: tuple[str, ...], tmp_path: Path) -> None:
    document = zipped(*((name, b"x") for name in names))
    file = raw(tmp_path, document)
    assert opened(file) == ({"landing/in.bin": document}, None, ())
    assert list(opened(raw(tmp_path, zipped(("book", document)), "x.zip"))[0].values()) == [document]
    cut = document[: len(document) // 3]
    if names[0] != "xl/workbook.xml":
        assert opened(raw(tmp_path, cut)) == ({"landing/in.bin": cut}, None, ())


def test_arrays_among_other_files_are_an_archive(tmp_path: Path) -> None:
    assert len(opened(raw(tmp_path, zipped(("a.npy", b"x"), ("b.csv", b"b"))))[0]) == 2


@pytest.mark.parametrize("left", [40, 100, -1, -22])
def test_a_cut_archive_is_refused(left: int, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no directory at its end|damaged"):
        opened(raw(tmp_path, zipped(("a.csv", CSV))[:left]))


def test_bytes_behind_the_end_are_refused_and_zeros_are_a_warning(tmp_path: Path) -> None:
    packed = zipped(("a.csv", CSV))
    with pytest.raises(FormatError, match="bytes follow the end"):
        opened(raw(tmp_path, packed + b"more"))
    assert opened(raw(tmp_path, packed + bytes(5)))[2] == ("landing/in.bin: 5 zero bytes behind the zip archive.",)


def test_a_comment_is_not_taken_for_bytes_behind_the_end(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"delivered by X"
    assert opened(raw(tmp_path, out.getvalue()))[2] == ()


def test_two_archives_in_a_row_are_refused_since_only_one_would_be_seen(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="in front"):
        opened(raw(tmp_path, zipped(("a.csv", CSV)) + zipped(("b.csv", CSV))))


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.csv", CSV), method=zipfile.ZIP_STORED))
    packed[1000] ^= 1
    with pytest.raises(FormatError, match=r"'a\.csv' is not of the length and checksum"):
        opened(raw(tmp_path, bytes(packed)))


def test_a_stated_length_that_lies_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.csv", CSV)))
    struct.pack_into("<I", packed, packed.rindex(b"PK\1\2") + 24, 100)
    with pytest.raises(FormatError, match="length and checksum"):
        opened(raw(tmp_path, bytes(packed)))


def test_a_local_header_of_another_name_is_refused(tmp_path: Path) -> None:
    packed = zipped(("a.csv", CSV)).replace(b"a.csv", b"b.csv", 1)
    with pytest.raises(FormatError, match="is not what stands there"):
        opened(raw(tmp_path, packed))


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    packed = zipped(("a.csv", CSV), ("b.csv", b"b"))
    directory = packed.index(b"PK\1\2")
    second = packed.index(b"PK\1\2", directory + 4)
    twice = bytearray(packed)
    struct.pack_into("<I", twice, second + 42, 0)  # the second entry's data is the first's
    with pytest.raises(FormatError, match=r"overlaps.*do not open"):
        opened(raw(tmp_path, bytes(twice)))


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010644])
def test_links_and_devices_are_refused(mode: int, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("a.csv")
        entry.create_system = 3
        entry.external_attr = mode << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(FormatError, match="a link or a device"):
        opened(raw(tmp_path, out.getvalue()))


def test_a_directory_of_more_files_than_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    packed = zipped(*((f"{number}", b"") for number in range(300)))
    with pytest.raises(FormatError, match="300 files inside; at most 200"):
        opened(raw(tmp_path, packed, limits=limited(archive_members=200)))


def test_an_encrypted_archive_that_was_changed_is_refused(tmp_path: Path) -> None:
    packed = bytearray(locked("secret"))
    packed[len(packed) // 2] ^= 1
    with pytest.raises((AccessDenied, FormatError)):
        opened(raw(tmp_path, bytes(packed)), password="secret")


def test_folders_as_programs_for_windows_write_them(tmp_path: Path) -> None:
    marked = zipfile.ZipInfo("other")
    marked.external_attr = 0x10
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (("folder\\", b""), ("folder\\a.csv", CSV), (marked, b"")):
            archive.writestr(name, content)
    file = raw(tmp_path, out.getvalue(), "x.zip")
    assert opened(file) == ({"landing/x.zip!folder/a.csv": CSV}, "zip", ())


@pytest.mark.parametrize("change", [-3, 3])
def test_an_encrypted_entry_is_read_to_its_end_whatever_length_is_stated(change: int, tmp_path: Path) -> None:
    archive = bytearray(locked("secret"))
    struct.pack_into("<I", archive, archive.index(b"PK\1\2") + 24, len(CSV) + change)
    with pytest.raises(FormatError, match="not of the length"):
        opened(raw(tmp_path, bytes(archive), "x.zip"), password="secret")


def test_an_entry_that_the_directory_hides_is_missed(tmp_path: Path) -> None:
    archive = bytearray(zipped(("a.csv", CSV), ("b.csv", CSV)))
    first, end = archive.index(b"PK\1\2"), archive.index(b"PK\5\6")
    # The second entry becomes the comment of the first one.
    struct.pack_into("<H", archive, first + 32, end - archive.index(b"PK\1\2", first + 4))
    with pytest.raises(FormatError, match="states 2 entries, and its directory lists 1"):
        opened(raw(tmp_path, bytes(archive), "x.zip"))
