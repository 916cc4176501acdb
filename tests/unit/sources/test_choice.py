"""Which of the files that a server lists are items."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finport_ingestion.engine.sources.files.choice import FoundFile, chosen
from finport_ingestion.engine.sources.files.options import FileSetOptions

NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)


def names(*found: str | FoundFile, **options: Any) -> list[str]:
    files = [FoundFile(path=file, size_bytes=1) if isinstance(file, str) else file for file in found]
    stated = FileSetOptions.model_validate({"protocol": "any", "pattern": "**", **options})
    return [item.id for item in chosen(files, stated, now=NOW, ranges=1, source="prices")]


@pytest.mark.parametrize(
    "name",
    [
        "a.csv.part",
        "a.csv.PARTIAL",
        "a.tmp",
        "a.csv.temp",
        "a.csv.filepart",
        "a.csv.writing",
        "a.csv~",
        ".a.csv",
        ".in/a",
    ],
)
def test_what_is_being_written_or_hidden_is_no_item(name: str) -> None:
    assert names(name, "b.csv") == ["b.csv"]


def test_marks_beside_files_are_no_items(caplog: pytest.LogCaptureFixture) -> None:
    found = ("a.csv", "a.csv.done", "a.csv.md5", "b.csv", "b.csv.done", "c.csv")
    assert names(*found, doneSuffix=".done", checksumSuffix=".md5") == ["a.csv"]
    assert names(*found, doneSuffix=".done") == ["a.csv", "b.csv"]


@pytest.mark.parametrize("name", ["../a.csv", "a/../../b.csv", "./a.csv"])
def test_a_name_that_leads_elsewhere_is_left_out(name: str) -> None:
    assert names(name, "b.csv") == ["b.csv"]


@pytest.mark.parametrize("name", ["/a.csv", "a//b.csv", "a\\b.csv", "a\nb.csv", "a\udce9"])
def test_a_name_that_cannot_stand_in_a_path_is_left_out(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert names(name, "b.csv") == ["b.csv"]
    assert "has no name that can be written down" in caplog.text


def test_young_files_wait_where_the_server_states_times(caplog: pytest.LogCaptureFixture) -> None:
    old, young = (
        FoundFile(path=f"{minutes}.csv", size_bytes=1, modified_at=NOW - timedelta(minutes=minutes))
        for minutes in (5, 1)
    )
    assert names(old, young, settle="2m") == ["5.csv"]
    assert not caplog.records
    assert names("a.csv", settle="2m") == ["a.csv"]
    assert "no times are stated there, so 'settle' says nothing; 'lookAgain' does" in caplog.text
