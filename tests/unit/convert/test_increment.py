"""Taking only what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finport_ingestion.engine.digest import row_digest
from finport_ingestion.engine.errors import ConfigError, Skipped
from finport_ingestion.engine.records import Watermark
from finport_ingestion.engine.step import Flags
from tests.unit.convert.deployment import Converted, Delivered, Deployment, Marks

DAY = {"field": "day"}
FIRST = b"day,px\n2024-01-01,1.0\n2024-01-02,2.0\n2024-01-02,2.5\n"


def run(
    root: Path, mark: Watermark | None, *contents: bytes | Delivered, field: str = "day", **options: Any
) -> Converted:
    incremental = options.pop("incremental", {"field": field})
    return Deployment(root, incremental=incremental, memory=Marks(mark), **options).run(*contents)


def first_mark(tmp_path: Path) -> Watermark:
    mark = run(tmp_path / "first", None, FIRST).manifest.watermark
    assert mark is not None
    return mark


def test_the_first_run_takes_all_and_leaves_a_mark_with_its_ties(tmp_path: Path) -> None:
    converted = run(tmp_path, None, FIRST)
    mark = converted.manifest.watermark
    assert converted.table.num_rows == 3
    assert mark is not None
    assert (mark.field, mark.value, mark.type, len(mark.ties)) == ("day", "2024-01-02", "date", 2)


def test_rows_below_the_mark_and_known_rows_at_it_are_left_out(tmp_path: Path) -> None:
    mark = first_mark(tmp_path)
    converted = run(tmp_path / "next", mark, FIRST + b"2024-01-02,9.0\n2024-01-03,3.0\n")
    assert [str(price) for price in converted.column("px")] == ["9.0", "3.0"]
    assert converted.manifest.facts["already_taken"] == 3
    assert converted.manifest.watermark is not None
    assert converted.manifest.watermark.value == "2024-01-03"
    assert len(converted.manifest.watermark.ties) == 1


def test_more_rows_at_the_mark_join_its_ties(tmp_path: Path) -> None:
    mark = first_mark(tmp_path)
    after = run(tmp_path / "next", mark, FIRST + b"2024-01-02,9.0\n").manifest.watermark
    assert after is not None
    assert after.value == mark.value
    assert set(after.ties) > set(mark.ties)


def test_nothing_new_is_a_skip_that_says_so(tmp_path: Path) -> None:
    mark = first_mark(tmp_path)
    with pytest.raises(Skipped, match="nothing new since day 2024-01-02"):
        run(tmp_path / "next", mark, FIRST)


def test_thousands_of_rows_at_the_mark_are_known_again(tmp_path: Path) -> None:
    content = b"day,px\n" + b"".join(b"2024-01-02,%d\n" % number for number in range(3_000))
    mark = run(tmp_path / "first", None, content).manifest.watermark
    assert mark is not None
    assert len(mark.ties) == 3_000
    converted = run(tmp_path / "next", mark, content + b"2024-01-02,-1\n")
    assert converted.column("px") == [-1]


def test_a_type_that_widens_makes_no_old_row_new(tmp_path: Path) -> None:
    mark = run(tmp_path / "first", None, b"day,px\n2024-01-02,2\n").manifest.watermark
    converted = run(tmp_path / "next", mark, b"day,px,note\n2024-01-02,2.000,\n2024-01-02,2.5,x\n")
    assert [str(price) for price in converted.column("px")] == ["2.500"]


@pytest.mark.parametrize("flags", [Flags(force_run_all=True), Flags(replay_of="manual__0")])
def test_a_forced_or_replayed_run_takes_all(tmp_path: Path, flags: Flags) -> None:
    mark = first_mark(tmp_path)
    converted = run(tmp_path / "next", mark, FIRST, flags=flags)
    assert converted.table.num_rows == 3


def test_rows_without_a_value_are_kept_once_and_counted(tmp_path: Path) -> None:
    mark = first_mark(tmp_path)
    content = b"day,px\n,7.0\n2024-01-01,1.0\n"
    converted = run(tmp_path / "next", mark, content)
    assert [str(price) for price in converted.column("px")] == ["7.0"]
    assert "1 rows have no value in the incremental field; they are kept" in converted.result.notes
    known = converted.manifest.watermark
    assert known is not None
    assert (known.value, len(known.ties)) == (mark.value, len(mark.ties) + 1)
    with pytest.raises(Skipped):
        run(tmp_path / "again", known, content)
    more = run(tmp_path / "more", known, content + b",7.0\n")
    assert [str(price) for price in more.column("px")] == ["7.0"]


def test_rows_that_are_alike_are_counted_off_over_all_parts(tmp_path: Path) -> None:
    same = b"day,px\n2024-01-02,2.0\n"
    mark = run(tmp_path / "first", None, same).manifest.watermark
    converted = run(tmp_path / "next", mark, same, same, same)
    assert converted.column("px") == [2, 2]
    assert converted.manifest.facts["already_taken"] == 1
    assert converted.manifest.watermark is not None
    assert len(converted.manifest.watermark.ties) == 3


def test_within_the_lookback_late_rows_are_taken_and_known_ones_are_not(tmp_path: Path) -> None:
    incremental = {"field": "day", "lookback": "1d"}
    content = b"day,px\n2024-01-01,1.0\n2024-01-02,2.0\n2024-01-03,3.0\n"
    mark = run(tmp_path / "first", None, content, incremental=incremental).manifest.watermark
    assert mark is not None
    assert len(mark.ties) == 2
    late = content + b"2024-01-01,1.5\n2024-01-02,2.5\n"
    converted = run(tmp_path / "next", mark, late, incremental=incremental)
    assert [str(price) for price in converted.column("px")] == ["2.5"]
    after = converted.manifest.watermark
    assert after is not None
    assert (after.value, len(after.ties)) == ("2024-01-03", 3)


@pytest.mark.parametrize(("field", "lookback"), [("day", 3), ("px", "3d")])
def test_a_lookback_that_does_not_fit_the_field_is_refused(tmp_path: Path, field: str, lookback: object) -> None:
    with pytest.raises(ConfigError, match="cannot be taken from"):
        run(tmp_path, None, FIRST, incremental={"field": field, "lookback": lookback})


def test_rejected_rows_move_the_mark_and_are_not_rejected_again(tmp_path: Path) -> None:
    contract = {"columns": [{"name": "px", "type": "decimal(18,2)"}]}
    content = b"day,px\n2024-01-01,1.0\n2024-01-03,abc\n"
    first = run(tmp_path / "first", None, content, contract=contract)
    assert first.manifest.watermark is not None
    assert first.manifest.watermark.value == "2024-01-03"
    assert first.result.rows_quarantined == 1
    with pytest.raises(Skipped):
        run(tmp_path / "again", first.manifest.watermark, content, contract=contract)
    more = run(tmp_path / "more", first.manifest.watermark, content + b"2024-01-03,xyz\n", contract=contract)
    assert [reject["row"] for reject in more.rejects] == [3]


def test_numbers_are_compared_as_numbers_whatever_the_columns_name(tmp_path: Path) -> None:
    first = run(tmp_path / "first", None, b"trade_id,x\n9,a\n10,b\n", field="trade_id")
    assert first.manifest.watermark is not None
    assert first.manifest.watermark.value == "10"
    again = run(tmp_path / "next", first.manifest.watermark, b"trade_id,x\n9,a\n10,b\n11,c\n", field="trade_id")
    assert again.column("trade_id") == [11]


def test_times_are_compared_as_moments(tmp_path: Path) -> None:
    content = b"at,x\n2024-01-01T12:00:00+02:00,a\n2024-01-01T11:00:00Z,b\n"
    first = run(tmp_path / "first", None, content, field="at")
    assert first.manifest.watermark is not None
    assert first.manifest.watermark.value == "2024-01-01T11:00:00+00:00"
    with pytest.raises(Skipped):
        run(tmp_path / "next", first.manifest.watermark, content, field="at")


def test_the_highest_value_of_all_parts_is_the_mark(tmp_path: Path) -> None:
    mark = run(tmp_path, None, b"day,px\n2024-01-05,1\n", b"day,px\n2024-01-02,1\n2024-01-05,2\n").manifest.watermark
    assert mark is not None
    assert mark.value == "2024-01-05"
    assert len(mark.ties) == 2


def test_the_first_run_begins_where_it_is_told_to(tmp_path: Path) -> None:
    converted = run(tmp_path, None, FIRST, incremental={"field": "day", "start": "2024-01-02"})
    assert converted.table.num_rows == 2
    assert converted.manifest.facts["before_start"] == 1


def test_a_field_without_a_safe_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no safe order"):
        run(tmp_path / "text", None, b"day,px\nMonday,1\n")
    with pytest.raises(ConfigError, match="is not in the data"):
        run(tmp_path / "absent", None, b"when,px\n2024-01-01,1\n")
    number = Watermark(field="day", value="5", type="integer")
    with pytest.raises(ConfigError, match="the last run stopped at a integer"):
        run(tmp_path / "other", number, FIRST)


def test_an_agreed_text_is_an_order(tmp_path: Path) -> None:
    contract = {"columns": [{"name": "seq", "type": "text"}]}
    first = run(tmp_path / "first", None, b"seq,x\nA1,1\nA2,2\n", field="seq", contract=contract)
    assert first.manifest.watermark is not None
    assert first.manifest.watermark.value == "A2"


def test_pages_without_records_behind_a_mark_are_nothing_new(tmp_path: Path) -> None:
    mark = first_mark(tmp_path)
    with pytest.raises(Skipped, match="nothing new"):
        run(tmp_path / "next", mark, Delivered(b"[]", suffix=".json"))


def test_digests_compare_worth_and_leave_out_what_is_absent() -> None:
    from decimal import Decimal

    assert row_digest({"a": 5, "b": None}) == row_digest({"a": Decimal("5.00")})
    assert row_digest({"a": "x", "b": "y"}) == row_digest({"b": "y", "a": "x"})
    assert row_digest({"a": "5"}) != row_digest({"b": "5"})
