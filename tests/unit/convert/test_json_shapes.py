"""Documents of JSON as APIs and data frames write them: tables by rows and columns, envelopes, lines that are long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.convert.recognise import head_of
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.errors import FormatError
from tests.unit.convert.read_bytes import Found, read_bytes
from tests.unit.convert.xml_files import raw_of

ROWS = [[1, "007"], [2, "008"]]
TABLE = [{"a": "1", "b": "007"}, {"a": "2", "b": "008"}]


def read(folder: Path, document: Any) -> Found:
    return read_bytes(folder, json.dumps(document).encode(), format="json")


@pytest.mark.parametrize(
    "document",
    [
        {"columns": ["a", "b"], "data": ROWS},
        {"columns": ["a", "b"], "index": [0, 1], "data": ROWS},
        {"dataset": {"id": 5, "column_names": ["a", "b"], "data": ROWS}},
        {"datatable": {"data": ROWS, "columns": [{"name": "a", "type": "int"}, {"name": "b"}]}, "meta": {}},
        {"schema": {"fields": [{"name": "a"}, {"name": "b"}]}, "rows": ROWS},
        {"a": {"0": 1, "1": 2}, "b": {"0": "007", "1": "008"}},
    ],
)
def test_a_table_whose_columns_are_named_beside_it_is_that_table(tmp_path: Path, document: Any) -> None:
    assert read(tmp_path, document).rows() == TABLE


def test_labels_of_rows_are_a_column(tmp_path: Path) -> None:
    found = read(tmp_path, {"columns": ["px"], "index": ["2026-01-02", "2026-01-05"], "data": [[1.5], [2]]})
    assert found.rows() == [{"index": "2026-01-02", "px": "1.5"}, {"index": "2026-01-05", "px": "2"}]


@pytest.mark.parametrize(
    "document",
    [
        {"columns": ["a", "a"], "data": ROWS},
        {"columns": ["a", "b"], "data": [[1, 2], [3]]},
        {"people": ["a", "b"], "data": ROWS},
        {"x": {"columns": ["a", "b"], "data": ROWS}, "y": {"columns": ["a", "b"], "data": ROWS}},
    ],
)
def test_what_is_no_such_table_for_sure_keeps_its_lists(tmp_path: Path, document: Any) -> None:
    [row, *_] = read(tmp_path, document).rows()
    assert "[[1," in json.dumps(row)


@pytest.mark.parametrize(
    ("document", "count", "others"),
    [
        ({"data": [{"a": n, "b": n, "c": n} for n in range(9)], "errors": [{"code": 1}], "links": []}, 9, "'errors'"),
        ({"data": [{"id": "1"}], "included": [{"id": "2", "x": 1}, {"id": "3", "x": 2}]}, 1, "'included'"),
    ],
)
def test_of_several_lists_the_one_with_the_data_is_taken_and_the_others_are_told(
    tmp_path: Path, document: Any, count: int, others: str
) -> None:
    found = read(tmp_path, document)
    assert len(found.rows()) == count
    assert f"the items of {others} are in no table" in found.warnings


def test_lists_of_like_size_are_one_record_that_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, {"bids": [{"px": 1}, {"px": 2}], "asks": [{"lot": 3}, {"lot": 4}]})
    assert found.rows() == [{"bids": '[{"px":1},{"px":2}]', "asks": '[{"lot":3},{"lot":4}]'}]
    assert "is read as one record" in found.warnings


def test_keys_become_a_column_that_no_record_has(tmp_path: Path) -> None:
    found = read(tmp_path, {"x": {"_key": "1", "n": 2}, "y": {"_key": "2", "n": 3}})
    assert found.rows() == [{"__key": "x", "_key": "1", "n": "2"}, {"__key": "y", "_key": "2", "n": "3"}]


LONG = '{"a":"' + "x" * 70_000 + '"}\n'


def test_lines_whose_first_one_is_long_are_read_as_lines(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, (LONG + '{"a":"y"}\n{"a":\n').encode(), format="json")
    assert found.column("a") == ["x" * 70_000, "y"]
    assert [bad.row for bad in found.bad] == [3]
    assert any("read as JSON lines" in note for batch in found.batches for note in batch.notes)


@pytest.mark.parametrize("rest", ["]", "1", '"x"', "junk"])
def test_anything_else_behind_a_long_document_refuses_it(tmp_path: Path, rest: str) -> None:
    with pytest.raises(FormatError, match="Extra data"):
        read_bytes(tmp_path, (LONG + rest).encode(), format="json")


def test_line_separators_inside_strings_end_no_line(tmp_path: Path) -> None:
    head = head_of(raw_of(tmp_path, '{"a":"x\u2028y"}\n{"a":"x\x85y"}\n'))
    likeness = FORMATS.get("ndjson").recognises(head)
    assert likeness is not None
    assert likeness.confidence >= 0.9
