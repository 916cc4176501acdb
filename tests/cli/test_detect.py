"""`finport detect`: what files are, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.converting import STATEMENT, TRADES, Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def test_a_folder_of_files_with_reasons(desk: Desk) -> None:
    lines = desk.told("detect", desk.put_mixed()).splitlines()
    assert lines[0].split() == ["FILE", "FORMAT", "CONFIDENCE", "COMPRESSION", "ENCODING", "REASONS"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["archive/trades.csv.gz", "csv"],
        ["bank/statement.sta", "mt940"],
        ["cut.parquet", "parquet"],
        ["prices.csv", "csv"],
        ["rates.ndjson", "ndjson"],
        ["trades.csv", "csv"],
    ]
    assert "its name ends in .csv" in lines[-1]


def test_content_comes_before_the_name(desk: Desk) -> None:
    desk.put("report.xlsx", STATEMENT)
    (found,) = json.loads(desk.told("detect", "report.xlsx", "--json"))
    assert (found["file"], found["format"]) == ("report.xlsx", "mt940")
    assert found["confidence"] >= 0.8
    assert any("against its content" in reason for reason in found["reasons"])


def test_standard_input(desk: Desk) -> None:
    (found,) = json.loads(desk.told("detect", "-", "--json", stdin=TRADES.encode("utf-16")))
    assert (found["file"], found["format"], found["encoding"]) == ("-", "csv", "utf-16-le")


def test_what_is_not_recognised_is_said_and_ends_with_1(desk: Desk) -> None:
    desk.put("a.csv", TRADES)
    desk.put("photo", b"\x89PNG\r\n\x1a\n" + bytes(900) + bytes(range(256)) * 9)
    told = desk.told("detect", "a.csv", "photo", code=1).splitlines()
    assert told[1].split()[:2] == ["a.csv", "csv"]
    assert told[2].split()[:2] == ["photo", "?"]
    assert "photo: " not in told[2]


def test_a_file_that_is_not_there_is_wrong_usage(desk: Desk) -> None:
    assert "no file or folder nothing" in desk.told("detect", "nothing", code=2)
