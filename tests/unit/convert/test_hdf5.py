"""HDF5: datasets by path; nothing outside the file, no pickles, no foreign filters, no bombs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest

from finport_ingestion.engine.convert.interface import Head
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import ConfigError, FormatError
from tests.conformance.formats.samples.statistical import written
from tests.unit.convert.read_bytes import Found, read_bytes


def hdf5(fill: Callable[[Any], Any], **choices: Any) -> bytes:
    def write(path: str) -> None:
        with h5py.File(path, "w", **choices) as file:
            fill(file)

    return written(write, ".h5")


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, format="hdf5", **options)


def test_each_dataset_is_a_table_of_its_path(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["prices/close"] = np.array([1.5, 2.5])
        file["prices/matrix"] = np.array([[1, 2], [3, 4]], ">i2")
        file["asof"] = np.int64(20240229)

    found = read(tmp_path, hdf5(fill))
    assert found.rows("prices/close") == [{"close": 1.5}, {"close": 2.5}]
    assert found.rows("prices/matrix") == [{"matrix_0": 1, "matrix_1": 2}, {"matrix_0": 3, "matrix_1": 4}]
    assert found.rows("asof") == [{"asof": 20240229}]


def test_records_have_a_column_for_each_field(tmp_path: Path) -> None:
    kind = np.dtype([("id", "<u8"), ("px", "<f8", (2,)), ("in", [("a", "<i4"), ("b", "?")])])
    data = np.array([(2**64 - 1, (0.1, 0.2), (7, True))], kind)
    found = read(tmp_path, hdf5(lambda file: file.create_dataset("t", data=data)))
    assert found.rows("t") == [{"id": 2**64 - 1, "px": [0.1, 0.2], "in": {"a": 7, "b": True}}]


def test_texts_are_text_where_their_encoding_is_stated(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file.create_dataset("fixed", data=np.array(["Zürich".encode()], h5py.string_dtype("utf-8", 10)))
        file.create_dataset("long", data=["日本", ""], dtype=h5py.string_dtype())
        file.create_dataset("plain", data=np.array([b"0012"], "S8"))

    content = hdf5(fill)
    found = read(tmp_path, content)
    assert found.column("fixed", "fixed") == ["Zürich"]
    assert found.column("long", "long") == ["日本", ""]
    assert found.column("plain", "plain") == [b"0012"]
    assert any("'plain' does not state how its texts are encoded" in note for b in found.batches for note in b.notes)
    assert read(tmp_path, content, encoding="ascii").column("plain", "plain") == ["0012"]


def test_pandas_says_the_encoding_of_its_tables(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        group = file.create_group("df")
        group.attrs["encoding"] = np.bytes_(b"UTF-8")
        group["table"] = np.array([(1, "ü".encode())], [("index", "<i8"), ("symbol", "S4")])
        group["_i_table/index/sorted"] = np.array([0])

    found = read(tmp_path, hdf5(fill))
    assert found.rows("df/table") == [{"index": 1, "symbol": "ü"}]
    assert found.tables == {"df/table"}


def test_lists_of_any_length_and_enumerations_are_read(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        lists = file.create_dataset("lists", (2,), dtype=h5py.vlen_dtype(np.dtype("<i4")))
        lists[0], lists[1] = [1, 2, 3], []
        sides = h5py.enum_dtype({"BUY": 1, "SELL": 2}, basetype="u1")
        file.create_dataset("side", data=np.array([2, 1], "u1"), dtype=sides)

    found = read(tmp_path, hdf5(fill))
    assert found.column("lists", "lists") == [[1, 2, 3], []]
    assert found.column("side", "side") == [2, 1]


def test_many_rows_come_in_bounded_batches(tmp_path: Path) -> None:
    data = np.arange(150_000)
    content = hdf5(lambda file: file.create_dataset("n", data=data, chunks=(1_000,), compression="gzip", shuffle=True))
    found = read(tmp_path, content)
    assert found.column("n", "n") == data.tolist()
    assert found.numbers("n") == list(range(1, 150_001))
    assert max(batch.columns.num_rows for batch in found.batches) <= 65_536
    assert 0 < len(read(tmp_path, content, sample_bytes=4096).rows("n")) <= 1_000


def refused(folder: Path, content: bytes, why: str, **options: Any) -> None:
    with pytest.raises(FormatError, match=why) as caught:
        read(folder, content, **options)
    assert caught.value.hint


def test_nothing_outside_the_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    secret.write_bytes(hdf5(lambda file: file.create_dataset("x", data=[1.0])))
    bare = tmp_path / "bare.bin"
    bare.write_bytes(bytes(80))

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout((1,), "f8")
        layout[:] = h5py.VirtualSource(str(secret), "x", shape=(1,))
        file.create_virtual_dataset("v", layout)

    def link(file: Any) -> None:
        file["out"] = h5py.ExternalLink(str(secret), "x")
        file["own"] = [2.0]

    refused(tmp_path, hdf5(link), "'out' is a link to another file")
    refused(tmp_path, hdf5(virtual), "virtual dataset")
    outside = hdf5(lambda file: file.create_dataset("e", (10,), "f8", external=[(str(bare), 0, 80)]))
    refused(tmp_path, outside, "external storage")
    assert read(tmp_path, hdf5(link), datasets=["own"]).column("own", "own") == [2.0]


def test_pickles_are_refused(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        block = file.create_dataset("df/block1_values", (1,), dtype=h5py.vlen_dtype(np.dtype("u1")))
        block[0] = np.frombuffer(pickle.dumps(["a", None]), "u1")
        block.attrs["CLASS"] = np.bytes_(b"VLARRAY")
        block.attrs["PSEUDOATOM"] = np.bytes_(b"object")

    refused(tmp_path, hdf5(fill), "pickled Python objects")


def test_references_are_refused(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["x"] = [1.0]
        file.create_dataset("r", data=np.array([file["x"].ref], h5py.ref_dtype), dtype=h5py.ref_dtype)

    refused(tmp_path, hdf5(fill), "'r' holds references")


def test_a_dataset_that_unfolds_beyond_the_limits_is_refused(tmp_path: Path) -> None:
    never_written = hdf5(lambda file: file.create_dataset("n", (10**12,), "f8", chunks=(1024,)))
    refused(tmp_path, never_written, "unfolds to 8000000000000 bytes")
    wide = hdf5(lambda file: file.create_dataset("n", (2, 10**8), "f8", chunks=(1, 1000)))
    refused(tmp_path, wide, "recordBytes")


def test_filters_that_are_not_built_in_are_refused_by_name(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((4,))
        made.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"n", h5py.h5t.NATIVE_INT32, space, made)

    refused(tmp_path, hdf5(fill), r"Blosc \(filter 32001\)")


def test_groups_in_a_circle_end(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        group = file.create_group("a")
        group["again"] = group
        group["x"] = [1.0]
        group["same"] = h5py.SoftLink("/a/x")

    assert read(tmp_path, hdf5(fill)).tables == {"a/x"}


def test_datasets_can_be_named(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["a/x"], file["b"] = [1.0], [2.0]

    content = hdf5(fill)
    assert read(tmp_path, content, datasets=["/a/x"]).tables == {"a/x"}
    with pytest.raises(ConfigError, match="no dataset 'c'"):
        read(tmp_path, content, datasets=["c"])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    content = hdf5(lambda file: file.create_dataset("n", data=np.arange(10_000.0)))
    refused(tmp_path, content[: int(len(content) * share)], "landing/delivered")


def test_a_file_without_datasets_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, hdf5(lambda file: file.create_group("empty")), "no datasets")


def test_a_block_of_the_users_own_may_stand_in_front(tmp_path: Path) -> None:
    content = hdf5(lambda file: file.create_dataset("x", data=[1.0]), userblock_size=1024)
    assert read(tmp_path, content).column("x", "x") == [1.0]
    assert FORMATS.get("hdf5").recognises(Head(content=content[:4096], text="", whole=False)).confidence == 1.0
    assert FORMATS.get("hdf5").recognises(Head(content=bytes(4096), text="", whole=False)) is None


def test_a_dataset_of_no_rows_shows_its_columns(tmp_path: Path) -> None:
    content = hdf5(lambda file: file.create_dataset("t", (0,), [("a", "<f8"), ("b", "<i2")]))
    [batch] = read(tmp_path, content).batches
    assert batch.columns.num_rows == 0
    assert batch.columns.schema.types == [pa.float64(), pa.int16()]
