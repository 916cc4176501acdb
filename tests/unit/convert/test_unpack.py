"""The data files inside a delivered one, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cramjam
import lz4.frame
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.unpack import peek, peek_head, unpacked
from finport_ingestion.engine.errors import FinportError, FormatError, StorageUnavailable
from finport_ingestion.engine.limits import ReadLimits
from finport_ingestion.engine.options import UnpackOptions

CSV = b"id,amount\n" + b"".join(b"%d,%d.25\n" % (number, number * 7919 % 10007) for number in range(20_000))


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(*members: tuple[str, bytes], dialect: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def snappy(content: bytes) -> bytes:
    return bytes(cramjam.snappy.compress(content))


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", gzip.compress),
    "bzip2": (".bz2", bz2.compress),
    "xz": (".xz", lzma.compress),
    "lzma": (".lzma", lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
    "zstd": (".zst", lambda content: zstandard.ZstdCompressor(write_checksum=True).compress(content)),
    "lz4": (".lz4", lambda content: lz4.frame.compress(content, content_checksum=True)),
    "snappy": (".sz", snappy),
}


def raw(tmp_path: Path, content: bytes, name: str = "in.bin", **fields: Any) -> RawFile:
    path = tmp_path / name
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri=f"landing/{name}", size_bytes=len(content), **fields)


def limited(**changed: int) -> ReadLimits:
    return ReadLimits().model_copy(update=changed)


def opened(
    file: RawFile, *, password: str | None = None, scratch: Path | None = None, **options: Any
) -> tuple[dict[str, bytes], str | None, tuple[str, ...]]:
    """Content by uri, compression, notes and warnings."""
    with unpacked(
        file, options=UnpackOptions.model_validate(options), password=lambda: password, scratch=scratch
    ) as found:
        contents = {}
        for inside in found.files:
            with inside.open() as stream:
                contents[inside.uri] = stream.read()
            assert inside.size_bytes == len(contents[inside.uri])
        return contents, found.compression, (*found.notes, *found.warnings)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", PACKERS)
def test_what_was_compressed_comes_out(kind: str, tmp_path: Path, scratch: Path) -> None:
    suffix, pack = PACKERS[kind]
    file = raw(tmp_path, pack(CSV), f"trades.csv{suffix}")
    name = "xz" if kind == "lzma" else kind
    assert opened(file, scratch=scratch) == ({f"landing/trades.csv{suffix}!trades.csv": CSV}, name, ())


@pytest.mark.parametrize("kind", PACKERS)
def test_it_is_known_by_its_bytes_and_not_by_its_name(kind: str, tmp_path: Path) -> None:
    file = raw(tmp_path, PACKERS[kind][1](CSV), "delivery")
    assert list(opened(file)[0].values()) == [CSV]


@pytest.mark.parametrize("kind", [kind for kind in PACKERS if kind != "lzma"])
def test_several_members_are_one_file(kind: str, tmp_path: Path) -> None:
    pack = PACKERS[kind][1]
    parts = [CSV[start : start + 10_000] for start in range(0, len(CSV), 10_000)]
    file = raw(tmp_path, b"".join(map(pack, parts)), "a")
    assert list(opened(file)[0].values()) == [CSV]


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("left", [0.02, 0.5, 0.9])
def test_a_cut_stream_is_refused_and_nothing_is_left(kind: str, left: float, tmp_path: Path, scratch: Path) -> None:
    packed = PACKERS[kind][1](CSV)
    with pytest.raises(FormatError, match=r"cut|damaged"):
        opened(raw(tmp_path, packed[: int(len(packed) * left)]), scratch=scratch)


@pytest.mark.parametrize("kind", [kind for kind in PACKERS if kind != "lzma"])
def test_a_stream_without_its_last_byte_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"cut|damaged"):
        opened(raw(tmp_path, PACKERS[kind][1](CSV)[:-1]))


@pytest.mark.parametrize("kind", [kind for kind in PACKERS if kind != "lzma"])
def test_a_changed_byte_is_noticed(kind: str, tmp_path: Path) -> None:
    packed = bytearray(PACKERS[kind][1](CSV))
    packed[len(packed) // 2] ^= 0x10
    with pytest.raises(FormatError, match=r"damaged|cut|follow"):
        opened(raw(tmp_path, bytes(packed)))


@pytest.mark.parametrize("kind", PACKERS)
def test_foreign_bytes_behind_the_end_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"follow its end|damaged|cut"):
        opened(raw(tmp_path, PACKERS[kind][1](CSV) + b"id,amount\n1,2\n"))


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "lz4"])
def test_zeros_behind_the_end_are_a_warning(kind: str, tmp_path: Path) -> None:
    contents, _, said = opened(raw(tmp_path, PACKERS[kind][1](CSV) + bytes(300)))
    assert list(contents.values()) == [CSV]
    assert said == (f"landing/in.bin: 300 zero bytes behind its {kind} data.",)


def test_zeros_behind_xz_are_of_the_format(tmp_path: Path) -> None:
    assert opened(raw(tmp_path, lzma.compress(CSV) + bytes(8)))[2] == ()


def test_an_empty_compressed_file_is_an_empty_file(tmp_path: Path) -> None:
    assert list(opened(raw(tmp_path, gzip.compress(b"")))[0].values()) == [b""]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1", b"\x1f\x8b", b"]\x00\n\x00a\x00"])
def test_what_nothing_lies_around_is_given_as_it_is(content: bytes, tmp_path: Path) -> None:
    file = raw(tmp_path, content)
    with unpacked(file, options=UnpackOptions(), password=lambda: None) as found:
        assert found.files == (file,)
        assert found.files[0] is file
        assert (found.compression, found.notes, found.warnings) == (None, (), ())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, PACKERS["zstd"][1], snappy])
def test_a_compressed_tar_gives_its_files_in_order(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = raw(tmp_path, pack(tarred(("day/b.csv", b"b\n2\n"), ("./a.csv", CSV))), "d.tar.xx")
    contents, compression, _ = opened(file)
    assert list(contents.items()) == [("landing/d.tar.xx!day/b.csv", b"b\n2\n"), ("landing/d.tar.xx!a.csv", CSV)]
    assert compression is not None
    assert compression.startswith("tar+")


def test_archives_in_archives_are_gone_through(tmp_path: Path, scratch: Path) -> None:
    inner = zipped(("a.csv", b"a\n1\n"), ("deep.tgz", gzip.compress(tarred(("b.csv", b"b\n2\n")))))
    file = raw(tmp_path, zipped(("inner.zip", inner), ("c.csv.gz", gzip.compress(b"c\n3\n"))), "x.zip")
    contents, compression, _ = opened(file, scratch=scratch)
    assert contents == {
        "landing/x.zip!inner.zip!a.csv": b"a\n1\n",
        "landing/x.zip!inner.zip!deep.tgz!b.csv": b"b\n2\n",
        "landing/x.zip!c.csv.gz!c.csv": b"c\n3\n",
    }
    assert compression == "zip+zip"


def test_names_of_members_never_reach_the_disk(tmp_path: Path, scratch: Path) -> None:
    file = raw(tmp_path, zipped(("prices.csv", b"a\n")), "x.zip")
    with unpacked(file, options=UnpackOptions(), password=lambda: None, scratch=scratch) as found:
        (inside,) = found.files
        assert inside.file_name == "prices.csv"
        assert "prices" not in str(inside.path)
        assert scratch in Path(str(inside.path)).parents


def test_the_folder_is_gone_when_the_reader_fails(tmp_path: Path, scratch: Path) -> None:
    file = raw(tmp_path, gzip.compress(CSV))
    with (
        pytest.raises(ZeroDivisionError),
        unpacked(file, options=UnpackOptions(), password=lambda: None, scratch=scratch),
    ):
        raise ZeroDivisionError


def test_members_are_chosen_by_a_pattern_for_their_name_or_path(tmp_path: Path) -> None:
    packed = tarred(
        ("2024/prices-1.csv", b"1"),
        ("2024/readme.txt", b"r"),
        ("2024/prices-2.csv.gz", gzip.compress(b"2")),
        ("2023/prices-3.csv", b"3"),
    )
    file = raw(tmp_path, packed, "x.tar")
    assert list(opened(file, members="prices-*.csv")[0].values()) == [b"1", b"2", b"3"]
    contents, _, said = opened(file, members="2024/*.csv")
    assert list(contents.values()) == [b"1"]
    assert "left out as not among '2024/*.csv': 2024/readme.txt" in said[0]
    with pytest.raises(FormatError, match=r"no data file is inside.*readme\.txt"):
        opened(file, members="*.xml")


def test_a_pattern_is_not_for_a_file_that_is_only_compressed(tmp_path: Path) -> None:
    assert len(opened(raw(tmp_path, gzip.compress(b"a"), "x.gz"), members="*.csv")[0]) == 1


def test_what_systems_leave_behind_is_no_data(tmp_path: Path) -> None:
    packed = zipped(
        ("a/", b""),
        ("__MACOSX/a/._x.csv", b"\0\5\x16\7"),
        ("a/.DS_Store", b"\0"),
        ("a/x.csv", b"x\n1\n"),
        ("a/_SUCCESS", b""),
        ("a/x.done", b""),
        ("a/empty.csv", b""),
    )
    contents, _, said = opened(raw(tmp_path, packed, "x.zip"))
    assert list(contents) == ["landing/x.zip!a/x.csv", "landing/x.zip!a/empty.csv"]
    assert [note.partition(": ")[2] for note in said] == [
        "left out as left behind by an operating system: __MACOSX/a/._x.csv, a/.DS_Store.",
        "left out as an empty marker: a/_SUCCESS, a/x.done.",
    ]


def test_an_archive_of_nothing_is_refused_unless_nothing_is_expected(tmp_path: Path) -> None:
    packed = zipped(("folder/", b""))
    with pytest.raises(FormatError, match="no data file"):
        opened(raw(tmp_path, packed))
    assert opened(raw(tmp_path, packed, may_be_empty=True))[0] == {}


@pytest.mark.parametrize("archive", [zipped, tarred])
@pytest.mark.parametrize(
    "name", ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "..\\evil.csv", "C:\\evil.csv", "\\\\host\\evil"]
)
def test_a_name_that_leads_out_is_refused(archive: Any, name: str, tmp_path: Path, scratch: Path) -> None:
    with pytest.raises(FormatError, match="leads out of the archive"):
        opened(raw(tmp_path, archive(("good.csv", b"a\n1\n"), (name, b"a\n1\n"))), scratch=scratch)


@pytest.mark.parametrize("archive", [zipped, tarred])
def test_two_files_of_one_name_are_refused(archive: Any, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate") if archive is zipped else pytest.MonkeyPatch.context():
        packed = archive(("a.csv", b"a\n1\n"), ("./a.csv" if archive is tarred else "a.csv", b"a\n2\n"))
    with pytest.raises(FormatError, match=r"two of its entries are called 'a\.csv'"):
        opened(raw(tmp_path, packed))


def test_a_name_cannot_forge_a_message(tmp_path: Path) -> None:
    (uri,) = opened(raw(tmp_path, tarred(("a\n\x1b[31m.csv", b"a"))))[0]
    assert uri == "landing/in.bin!a\\u000a\\u001b[31m.csv"


@pytest.mark.parametrize("archive", [zipped, tarred])
def test_more_files_than_the_limit_are_refused(archive: Any, tmp_path: Path) -> None:
    packed = archive(*((f"{number}.csv", b"a\n") for number in range(11)))
    assert len(opened(raw(tmp_path, packed, limits=limited(archive_members=11)))[0]) == 11
    with pytest.raises(FormatError, match=r"files inside.*archiveMembers"):
        opened(raw(tmp_path, packed, limits=limited(archive_members=10)))


def test_files_are_counted_over_all_archives(tmp_path: Path) -> None:
    inner = tarred(("a", b"1"), ("b", b"2"), ("c", b"3"))
    packed = tarred(*((f"{number}.tar", inner) for number in range(3)))
    with pytest.raises(FormatError, match="more than 11 files"):
        opened(raw(tmp_path, packed, limits=limited(archive_members=11)))


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_a_bomb_is_refused_before_it_fills_the_disk(kind: str, tmp_path: Path, scratch: Path) -> None:
    packed = PACKERS[kind][1](bytes(100 << 20))
    with pytest.raises(FormatError, match=r"unpack to \d+ or more.*unpackRatio"):
        opened(raw(tmp_path, packed, limits=limited(unpack_ratio=100)), scratch=scratch)


def test_a_bomb_in_a_bomb_is_counted_at_each_depth(tmp_path: Path) -> None:
    packed = gzip.compress(gzip.compress(bytes(100 << 20)))
    with pytest.raises(FormatError, match="unpack to"):
        opened(raw(tmp_path, packed))


def test_a_bomb_in_members_that_are_not_wanted_is_refused_too(tmp_path: Path) -> None:
    packed = gzip.compress(tarred(("junk.bin", bytes(100 << 20)), ("a.csv", b"a\n1\n")))
    with pytest.raises(FormatError, match="unpack to"):
        opened(raw(tmp_path, packed), members="*.csv")


def test_more_bytes_than_the_limit_are_refused(tmp_path: Path) -> None:
    limits = limited(unpacked_bytes=len(CSV) - 1)
    with pytest.raises(FormatError, match="unpackedBytes"):
        opened(raw(tmp_path, gzip.compress(CSV), limits=limits))
    with pytest.raises(FormatError, match="unpackedBytes"):
        opened(raw(tmp_path, zipped(("a.csv", CSV)), limits=limits))


def test_archives_too_deep_in_archives_are_refused(tmp_path: Path) -> None:
    packed = b"a\n1\n"
    for _ in range(6):
        packed = gzip.compress(packed)
    assert list(opened(raw(tmp_path, packed, limits=limited(nesting=6)))[0].values()) == [b"a\n1\n"]
    with pytest.raises(FormatError, match="more than 5 deep"):
        opened(raw(tmp_path, packed, limits=limited(nesting=5)))


def test_a_hundred_layers_are_no_trouble(tmp_path: Path) -> None:
    packed = b"a\n1\n"
    for number in range(100):
        packed = gzip.compress(packed) if number % 2 else zipped(("x", packed))
    assert list(opened(raw(tmp_path, packed))[0].values()) == [b"a\n1\n"]


def test_a_full_disk_is_said_and_may_be_tried_again(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    from finport_ingestion.engine.convert.containers.interface import write_all

    with pytest.raises(StorageUnavailable, match="No space left"):
        write_all(io.BytesIO(CSV), Path("/dev/full"))


def test_a_look_gives_the_beginning_of_the_first_file(tmp_path: Path) -> None:
    file = raw(tmp_path, gzip.compress(tarred(("__MACOSX/x", b"no"), ("a/b.csv", CSV))), "x.tgz")
    found = peek(file, size_bytes=1000)
    assert (found.content, found.whole, found.name, found.compression) == (CSV[:1000], False, "b.csv", "tar+gzip")
    assert peek(file, size_bytes=len(CSV)).whole
    assert peek_head(raw(tmp_path, b"a,b\n")) == (b"a,b\n", None)


@pytest.mark.parametrize("kind", [*(kind for kind in PACKERS if kind not in ("bzip2", "snappy")), "zip", "stored"])
def test_a_look_at_a_cut_file_gives_what_there_is(kind: str, tmp_path: Path) -> None:
    packers = {"zip": lambda c: zipped(("a.csv", c)), "stored": lambda c: zipped(("a.csv", c), method=0)}
    packed = packers[kind](CSV) if kind in packers else PACKERS[kind][1](CSV)
    content, compression = peek_head(raw(tmp_path, packed[: max(8192, len(packed) // 2)]))
    assert CSV.startswith(content)
    assert len(content) > 1000
    assert compression in (kind, "xz", "zip")


def test_a_look_does_not_unpack_a_bomb(tmp_path: Path) -> None:
    assert peek_head(raw(tmp_path, gzip.compress(bytes(100 << 20))), size_bytes=100) == (bytes(100), "gzip")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from([*PACKERS, "zip", "tar", "tgz"]),
    place=st.floats(0, 0.999),
    junk=st.binary(min_size=1, max_size=8),
    insert=st.booleans(),
)
def test_damage_is_refused_or_harmless_and_never_a_crash(
    kind: str, place: float, junk: bytes, insert: bool, tmp_path: Path
) -> None:
    content = CSV[:3000]
    several = (("a.csv", content), ("b.csv", content))
    packed = {
        "zip": lambda: zipped(*several),
        "tar": lambda: tarred(*several),
        "tgz": lambda: gzip.compress(tarred(*several)),
    }.get(kind, lambda: PACKERS[kind][1](content))()
    at = int(len(packed) * place)
    broken = packed[:at] + junk + packed[at + (0 if insert else len(junk)) :]
    file = raw(tmp_path, broken)
    for look in (peek_head, opened):
        try:
            look(file)
        except FinportError:
            continue
