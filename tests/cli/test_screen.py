"""Tables and values as a person sees them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from finport_ingestion.cli import screen
from finport_ingestion.cli.screen import column

COLUMNS = (column("name"), column("rows", right=True, spell=screen.spell_count), column("at", "at (UTC)"))
ROWS: list[dict[str, object]] = [
    {"name": "a", "rows": 1_234_567, "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))},
    {"name": "two\nlines", "rows": None, "at": None},
]


def test_a_table_in_a_pipe_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show_table(ROWS, COLUMNS)
    assert capsys.readouterr().out.splitlines() == [
        "NAME            ROWS  AT (UTC)",
        "a          1,234,567  2026-01-02 02:04:05",
        "two lines",
    ]


def test_no_rows_are_a_sentence_and_an_empty_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show_table([], COLUMNS, empty="nothing has run yet")
    screen.show_table([], COLUMNS, as_json=True)
    assert capsys.readouterr().out == "nothing has run yet\n[]\n"


def test_json_has_whole_values(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show_json(
        {"at": datetime(2026, 1, 2, tzinfo=UTC), "on": date(2026, 1, 2), "price": Decimal("1.50"), "ü": [1]}
    )
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-01-02T00:00:00+00:00",
        "on": "2026-01-02",
        "price": "1.50",
        "ü": [1],
    }


def test_results_and_remarks_go_different_ways(capsys: pytest.CaptureFixture[str]) -> None:
    screen.say("result")
    screen.remark("remark")
    screen.complain("no.", "yes")
    captured = capsys.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "remark\nError: no.\nFix: yes\n"


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 1024**3, "5.0 GiB"), (None, "")]
)
def test_sizes(size: int | None, told: str) -> None:
    assert screen.spell_bytes(size) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.254, "0.25"), (12.34, "12.3"), (1234.5, "1,234"), (None, "")])
def test_seconds(seconds: float | None, told: str) -> None:
    assert screen.spell_seconds(seconds) == told
