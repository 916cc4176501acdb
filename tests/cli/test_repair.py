"""Files of repaired records: what is read out of them, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from finport_ingestion.cli.repair import read_repaired, write_for_repair
from finport_ingestion.engine.errors import FinportError

RECORDS = [
    {"_finport_part": "landing/a", "_finport_row": 2, "_finport_reason": "x", "name": 'Müller, "A"\nB', "size": "1.50"},
    {"_finport_part": "landing/a", "_finport_row": 10, "_finport_reason": "y", "name": None, "size": "7"},
]


@pytest.mark.parametrize("name", ["r.ndjson", "r.jsonl", "r.csv"])
def test_what_was_written_is_read_back(tmp_path: Path, name: str) -> None:
    assert write_for_repair(tmp_path / name, RECORDS) == 2
    read = read_repaired(tmp_path / name)
    assert [record.key for record in read] == [("landing/a", 2), ("landing/a", 10)]
    assert [dict(record.fields) for record in read] == [
        {"name": 'Müller, "A"\nB', "size": "1.50"},
        {"name": None, "size": "7"},
    ]


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    file = tmp_path / "r.ndjson"
    file.write_text('{"_finport_part": "p", "_finport_row": 1, "size": 12345678901234567890.10}\n')
    assert read_repaired(file)[0].fields["size"] == "12345678901234567890.10"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"_finport_part": "p", "_finport_row": 1, "a": "1"}\n{"a": }\n', "r.ndjson:2: not JSON"),
        ('{"_finport_part": "p", "_finport_row": 1, "a": "1"}\n[1]\n', "r.ndjson:2: not an object"),
        ('{"_finport_part": "p", "a": "1"}\n', "r.ndjson:1: the record does not say which one it stands for"),
        ('{"_finport_part": "p", "_finport_row": 1}\n', "r.ndjson:1: the record has no fields"),
        ('{"_finport_part": "p", "_finport_row": 1, "_finport_text": "a;b"}\n', "the record has no fields"),
        ('{"_finport_part": "p", "_finport_row": 1, "a": "1"}\n' * 2, "r.ndjson:2: row 1 of p is there twice"),
        ("\n", "holds no record"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "r.ndjson").write_text(content)
    with pytest.raises(FinportError, match=told):
        read_repaired(tmp_path / "r.ndjson")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("_finport_part,_finport_row,a\np,1\n", "r.csv:2: not as many fields"),
        ("_finport_part,_finport_row,a\np,1,2,3\n", "r.csv:2: not as many fields"),
        ('_finport_part,_finport_row,a\np,1,"2"x\n', "r.csv:2: not CSV"),
    ],
)
def test_a_csv_line_that_is_wrong_is_named(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "r.csv").write_text(content)
    with pytest.raises(FinportError, match=told):
        read_repaired(tmp_path / "r.csv")


def test_a_file_whose_name_tells_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FinportError, match="tells no format"):
        read_repaired(tmp_path / "r.xlsx")
    with pytest.raises(FinportError, match="there is no file"):
        read_repaired(tmp_path / "r.csv")
    with pytest.raises(FinportError, match="there is no folder"):
        write_for_repair(tmp_path / "none" / "r.csv", RECORDS)
