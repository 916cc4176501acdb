"""NumPy: arrays side by side, no pickles, no bombs, headers that lie."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import ConfigError, FormatError
from finport_ingestion.engine.limits import ReadLimits
from tests.unit.convert.read_bytes import Found, read_bytes


def npz(arrays: dict[str, Any], *, compressed: bool = False) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


def npy(array: Any, **choices: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **choices)
    return out.getvalue()


def member(content: bytes, name: str = "x.npy") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, format="npz", **options)


def test_arrays_of_one_length_are_one_table_and_others_their_own(tmp_path: Path) -> None:
    arrays = {
        "day": np.array(["2024-02-29", "NaT"], "datetime64[D]"),
        "rate": np.array([0.1, 0.2]),
        "curve": np.arange(6.0).reshape(2, 3),
        "version": np.int32(3),
    }
    found = read(tmp_path, npz(arrays, compressed=True))
    assert found.rows("day") == [{"day": date(2024, 2, 29), "rate": 0.1}, {"day": None, "rate": 0.2}]
    assert found.rows("curve")[1] == {"curve_0": 3.0, "curve_1": 4.0, "curve_2": 5.0}
    assert found.rows("version") == [{"version": 3}]


def test_records_and_deeper_arrays_keep_their_shape(tmp_path: Path) -> None:
    kind = np.dtype([("id", ">i8"), ("name", "U5"), ("two", "<f4", (2,))])
    arrays = {"r": np.array([(7, "ü", (0.5, 1.5))], kind), "cube": np.arange(8).reshape(2, 2, 2)}
    found = read(tmp_path, npz(arrays))
    assert found.rows("r") == [{"id": 7, "name": "ü", "two": [0.5, 1.5]}]
    assert found.rows("cube") == [{"cube": [[0, 1], [2, 3]]}, {"cube": [[4, 5], [6, 7]]}]


@pytest.mark.parametrize(
    ("array", "meant"),
    [
        (np.array(["2024-02-29T01:02:03"], "datetime64[s]"), datetime.fromisoformat("2024-02-29 01:02:03")),
        (np.array(["2024-02-29T01:02"], "datetime64[m]"), datetime.fromisoformat("2024-02-29 01:02:00")),
        (np.array(["2024-02"], "datetime64[M]"), date(2024, 2, 1)),
        (np.array([90], "timedelta64[s]"), 90),
        (np.array([1 + 2j]), {"real": 1.0, "imaginary": 2.0}),
        (np.array([b"a\0b"], "S4"), b"a\0b"),
        (np.array([2**64 - 1], "u8"), 2**64 - 1),
        (np.array([0.1], "f4"), float(np.float32(0.1))),
        (np.array([True]), True),
    ],
)
def test_values_stand_as_they_are(tmp_path: Path, array: Any, meant: object) -> None:
    assert read(tmp_path, npy(array)).column("value") == [meant]


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(kind) for kind in ("<f8", ">f8", "<i4", ">i8", "u2", "?")]),
        hnp.array_shapes(max_dims=2, max_side=20),
    )
)
def test_numbers_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, array: Any) -> None:
    found = read(tmp_path_factory.mktemp("npy"), npy(np.asfortranarray(array)))
    columns = [
        pa.chunked_array([b.columns.column(at) for b in found.batches])
        for at in range(array.reshape(len(array), -1).shape[1])
    ]
    native = array.astype(array.dtype.newbyteorder("="))
    for at, column in enumerate(columns):
        wanted = native.reshape(len(array), -1)[:, at]
        assert np.array(column.to_numpy(), wanted.dtype).tobytes() == np.ascontiguousarray(wanted).tobytes()


def test_bytes_are_text_where_the_format_says_so(tmp_path: Path) -> None:
    content = npy(np.array(["Zürich".encode("cp1252"), b"x"]))
    assert read(tmp_path, content, encoding="cp1252").column("value") == ["Zürich", "x"]
    with pytest.raises(FormatError, match="not utf-8"):
        read(tmp_path, content, encoding="utf-8")


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return (open, ("finport-pickle-was-run", "w"))


def test_pickles_are_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = npy(np.array([Trap()], object), allow_pickle=True)
    assert pickle.dumps(Trap()) in content or b"finport-pickle" in content
    for delivered in (content, member(content), npz({"a": np.array([{}], object)})):
        with pytest.raises(FormatError, match="pickled Python objects"):
            read(tmp_path, delivered)
    assert not Path("finport-pickle-was-run").exists()


def test_arrays_beside_a_refused_one_can_be_named(tmp_path: Path) -> None:
    content = npz({"objects": np.array([None], object), "rate": np.array([1.5])})
    assert read(tmp_path, content, arrays=["rate"]).rows("rate") == [{"rate": 1.5}]
    with pytest.raises(ConfigError, match="no array 'price'"):
        read(tmp_path, content, arrays=["price"])


@pytest.mark.parametrize("dtype", ["g", "datetime64[fs]", [("a", "O")], [("a", [("b", "O")])]])
def test_types_that_no_column_holds_are_refused(tmp_path: Path, dtype: Any) -> None:
    with pytest.raises(FormatError, match="array ''"):
        read(tmp_path, npy(np.zeros(1, dtype), allow_pickle=True))


def test_characters_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    for code in (0x110000, 0x7FFFFFFF, 0xD800):
        array = np.array([code, ord("a")], "<u4").view("<U1")
        with pytest.raises(FormatError, match="characters that do not exist"):
            read(tmp_path, npy(array))


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    content = member(npy(np.zeros(30 << 20, "u1")))
    with pytest.raises(FormatError, match="unfold from"):
        read(tmp_path, content, limits=ReadLimits(unpackedBytes=1 << 20))


def header(text: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': ('a',), }",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (99999999999,), }",
        "{'descr': '<f8', 'shape': (1,), }",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,), }",
        "__import__('os').system('true')",
        "(" * 5000,
        "[]",
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, text: str) -> None:
    for content in (header(text, bytes(8)), member(header(text, bytes(8)))):
        with pytest.raises(FormatError, match="landing/delivered: "):
            read(tmp_path, content)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    for content in (npy(np.arange(1000.0)), npz({"a": np.arange(1000.0), "b": np.arange(1000.0)}, compressed=True)):
        for share in (0.05, 0.5, 0.95):
            with pytest.raises(FormatError):
                read(tmp_path, content[: int(len(content) * share)])


def test_a_flipped_byte_is_found_by_the_checksum(tmp_path: Path) -> None:
    content = bytearray(npz({"a": np.arange(1000.0)}))
    content[3000] ^= 1
    with pytest.raises(FormatError):
        read(tmp_path, bytes(content))


def test_large_arrays_come_in_bounded_batches_and_samples_are_small(tmp_path: Path) -> None:
    content = npz({"a": np.arange(200_000), "b": np.arange(200_000) * 0.5})
    found = read(tmp_path, content)
    assert found.column("a", "a") == list(range(200_000))
    assert max(batch.columns.num_rows for batch in found.batches) <= 65_536
    assert 0 < len(read(tmp_path, content, sample_bytes=4096).rows("a")) < 10_000


def test_archives_of_arrays_are_recognised_and_other_archives_are_not() -> None:
    recognise = FORMATS.get("npz").recognises
    for content in (npy(np.zeros(1)), npz({"a": np.zeros(1)})):
        assert recognise(Head(content=content[:4096], text="", whole=False)).confidence >= 0.95
    assert recognise(Head(content=member(b"a,b\n1,2\n", "a.csv"), text="", whole=True)) is None


def test_an_array_without_rows_shows_its_columns(tmp_path: Path) -> None:
    found = read(tmp_path, npz({"a": np.zeros((0, 2))}))
    assert found.rows("a") == []
    assert found.batches[0].columns.schema.names == ["a_0", "a_1"]
