"""Records of ever other members: a small file of them may not become a table of billions of empty cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest

from finport_ingestion.engine.convert.reading import sparse, xml_fast
from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.read_bytes import read_bytes

Writer = Callable[[list[dict[str, int]]], bytes]
_SDMX = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1/message"


def _lines(records: list[dict[str, int]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _xml(records: list[dict[str, int]]) -> bytes:
    rows = "".join("<r>" + "".join(f"<{k}>{v}</{k}>" for k, v in found.items()) + "</r>" for found in records)
    return f"<l>{rows}</l>".encode()


def _sdmx(records: list[dict[str, int]]) -> bytes:
    rows = "".join("<Obs " + " ".join(f'{k}="{v}"' for k, v in found.items()) + "/>" for found in records)
    message = f'<m:StructureSpecificData xmlns:m="{_SDMX}"><m:Header/><m:DataSet>{rows}</m:DataSet>'
    return f"{message}</m:StructureSpecificData>".encode()


WRITERS: dict[str, Writer] = {
    "json": lambda records: json.dumps(records).encode(),
    "ndjson": _lines,
    "yaml": lambda records: json.dumps(records).encode(),
    "msgpack": lambda records: bytes(msgpack.packb(records)),
    "xml": _xml,
    "sdmx": _sdmx,
}


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "_FREE_CELLS", 2_000)
    monkeypatch.setattr(sparse, "_MOST_CELLS", 20)
    monkeypatch.setattr(xml_fast, "MOST_CELLS", 2_000)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", WRITERS)
def test_a_table_of_hardly_any_filled_cell_is_refused(tmp_path: Path, name: str) -> None:
    records = [{f"k{number}": number} for number in range(100)]
    with pytest.raises(FormatError, match="ever other members: 1"):
        read_bytes(tmp_path, WRITERS[name](records), format=name)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", WRITERS)
def test_a_table_with_many_empty_cells_is_none_of_those(tmp_path: Path, name: str) -> None:
    records = [{f"k{number % 10}": number} for number in range(500)]
    found = read_bytes(tmp_path, WRITERS[name](records), format=name)
    rows = [row for table in found.tables for row in found.rows(table)]
    assert [{k: int(v) for k, v in row.items() if v is not None} for row in rows] == records


@pytest.mark.parametrize("name", WRITERS)
def test_batches_of_many_columns_have_fewer_rows(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "BATCH_CELLS", 1_000)
    monkeypatch.setattr(xml_fast, "MOST_CELLS", 1_000)
    records = [{f"k{number}": row for number in range(100)} for row in range(25)]
    found = read_bytes(tmp_path, WRITERS[name](records), format=name)
    assert [batch.columns.num_rows for batch in found.batches if batch.columns.num_rows] == [10, 10, 5]


@pytest.mark.parametrize("name", WRITERS)
def test_columns_without_end_are_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "MOST_COLUMNS", 50)
    monkeypatch.setattr(xml_fast, "MOST_COLUMNS", 50)
    assert read_bytes(tmp_path, WRITERS[name]([{f"k{number}": 1 for number in range(50)}] * 2), format=name).batches
    with pytest.raises(FormatError, match="51 different members; no more than 50"):
        read_bytes(tmp_path, WRITERS[name]([{f"k{number}": 1 for number in range(51)}] * 2), format=name)
