"""Which records pass, which are rejected, and what is said of them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.config.models.contract import Contract
from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.errors import DeadlineExceeded
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.records import PART_COLUMN, ROW_COLUMN
from finport_ingestion.engine.validate.measures import measure
from finport_ingestion.engine.validate.staged import open_staged
from finport_ingestion.engine.validate.suite import make_suite
from tests.unit.validate.deliveries import Delivery, quotes

D = Decimal
DAY = dt.date(2024, 1, 31)
OPEN_GATE = {
    "report": False,
    "mask": "none",
    "minRows": 0,
    "minCompleteness": 0,
    "maxNullShare": 1,
    "maxDuplicateShare": 1,
    "maxErrorShare": 1,
    "minScore": 0,
}
CONTRACT = {
    "key": ["symbol", "day"],
    "columns": [
        {"name": "symbol", "type": "text", "pattern": "[A-Z]+"},
        {"name": "day", "type": "date"},
        {"name": "close", "type": "decimal(18,4)", "minimum": 0, "maximum": 1000},
        {"name": "volume", "type": "integer", "nullable": True, "allowed": ["1", "2", "3"]},
    ],
}


@pytest.fixture
def judged(delivery: Delivery) -> Delivery:
    """A delivery with a contract and a gate that lets everything through."""
    delivery.contract, delivery.quality = CONTRACT, OPEN_GATE
    return delivery


def symbols(table: pa.Table) -> list[str]:
    names: list[str] = table["symbol"].to_pylist()
    return names


def test_a_clean_part_goes_on_as_it_is(judged: Delivery) -> None:
    part = judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(2), None)]))

    checked = judged.check()

    assert checked.manifest.parts == (part,)
    assert checked.manifest.rejects == ()
    assert judged.rejects() == []
    assert checked.result.rows_quarantined == 0


def test_only_the_part_with_a_bad_record_is_written_again(judged: Delivery) -> None:
    clean = judged.add(quotes([("A", DAY, D(1), 1)]))
    judged.add(quotes([("B", DAY, D(-1), 1), ("C", DAY, D(1), 1)]))

    checked = judged.check()

    first, second = checked.manifest.parts
    assert first == clean
    assert second.uri == "staging/prices-daily/prices/run-1/validate/part-00001.parquet"
    assert second.made_from == (judged.parts[1].uri,)
    assert (second.item, second.row_count) == ("item-1", 1)
    assert symbols(checked.passed()) == ["A", "C"]


def test_a_part_of_bad_records_alone_leaves_no_part(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(-1), 1), ("B", DAY, D(-1), 1)]))
    judged.add(quotes([("C", DAY, D(1), 1)]))

    checked = judged.check()

    assert [part.item for part in checked.manifest.parts] == ["item-1"]
    assert [reject["row"] for reject in judged.rejects()] == [1, 2]


def test_a_rejected_record_stands_in_quarantine_with_place_rule_value_and_whole_text(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D("1000.0001"), None)]))

    judged.check()

    assert judged.rejects() == [
        {
            "part": "landing/prices-daily/prices/run-1/item-0.csv",
            "row": 1,
            "item": "item-0",
            "stage": "validate",
            "column": "close",
            "rule": "expect_column_values_to_be_between",
            "value": "1000.0001",
            "reason": "close: it is not at least 0 and at most 1000",
            "record": '{"symbol":"A","day":"2024-01-31","close":"1000.0001","volume":null}',
        }
    ]


def test_several_findings_of_a_record_are_one_reject(judged: Delivery) -> None:
    judged.add(quotes([("a", None, D(-1), 7)]))

    judged.check()

    [reject] = judged.rejects()
    assert reject["rule"] == "expect_column_values_to_not_be_null"
    assert reject["reason"] == (
        "day: the value is missing; symbol: it does not match ^(?:[A-Z]+)$;"
        " close: it is not at least 0 and at most 1000; volume: it is not one of the allowed values"
    )


def test_of_a_key_the_first_record_stays_and_the_reason_tells_copies_from_conflicts(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(1), 1), ("A", DAY, D(1), 1)]))
    judged.add(quotes([("B", DAY, D(2), 2), ("C", DAY, D(1), 1)]))

    checked = judged.check()

    assert symbols(checked.passed()) == ["A", "B", "C"]
    same, other = judged.rejects()
    assert (same["row"], same["value"], same["column"]) == (3, "A, 2024-01-31", "symbol, day")
    assert same["reason"].endswith("the key was seen before: the same record as row 1 of " + same["part"])
    assert "a conflicting record, with another close, volume as row 2 of landing/" in other["reason"]
    rule = checked.rule("expect_compound_columns_to_be_unique")
    assert (rule["unexpected"], rule["rejected"], rule["considered"]) == (4, 2, 5)


def test_a_key_does_not_go_under_with_a_bad_record_that_came_first(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(-1), 1), ("A", DAY, D(1), 1), ("A", DAY, D(2), 1)]))

    checked = judged.check()

    assert checked.passed()["close"].to_pylist() == [D("1.0000")]
    assert [reject["row"] for reject in judged.rejects()] == [1, 3]
    assert "row 2 of" in judged.rejects()[1]["reason"]


def test_records_without_a_whole_key_are_incomplete_and_no_duplicates(judged: Delivery) -> None:
    judged.add(quotes([(None, DAY, D(1), 1), (None, DAY, D(1), 1), ("A", DAY, D(1), 1)]))

    checked = judged.check()

    assert {reject["rule"] for reject in judged.rejects()} == {"expect_column_values_to_not_be_null"}
    assert checked.rule("expect_compound_columns_to_be_unique")["unexpected"] == 0
    assert judged.report["rows"]["incomplete"] == 2


def test_a_warning_rejects_nothing_and_is_counted(judged: Delivery) -> None:
    warning = {
        "type": "expect_column_values_to_be_between",
        "arguments": {"column": "close", "max_value": 1},
        "severity": "warn",
    }
    judged.contract = {**CONTRACT, "expectations": [warning]}
    part = judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(2), 1)]))

    checked = judged.check()

    assert checked.manifest.parts == (part,)
    assert checked.rule("expect_column_values_to_be_between", "close)#2")["unexpected"] == 1
    assert any("1 records break it" in note for note in checked.result.notes)


def test_in_discard_value_the_value_becomes_null_where_it_may(judged: Delivery) -> None:
    judged.contract = {**CONTRACT, "mode": "discardValue"}
    judged.add(
        quotes([("A", DAY, D(-1), 1), ("B", DAY, D(1), 9), ("C", DAY, D(5), 2), ("c", DAY, D(1), 1)]), row_group_size=2
    )

    checked = judged.check()

    rows = [(row["symbol"], row["close"], row["volume"]) for row in checked.passed().to_pylist()]
    assert rows == [("A", None, 1), ("B", D(1), None), ("C", D(5), 2)]
    assert [reject["column"] for reject in judged.rejects()] == ["symbol"]
    assert checked.rule("expect_column_values_to_be_between", "close")["unexpected"] == 1


@pytest.mark.parametrize(
    ("values", "bound", "broken"),
    [
        (["9007199254740993", "9007199254740992"], {"maximum": "9007199254740992"}, [1]),
        (["9007199254740992.9999", "9007199254740993.0000"], {"minimum": "9007199254740993"}, [1]),
        (["0.1000", "0.0999", "0.1001"], {"minimum": "0.1"}, [2]),
        (["0.0001", "0.0002"], {"minimum": "0.00015"}, [1]),
        (["-0.0001", "0.0000"], {"minimum": "0"}, [1]),
        (["99999999999999.9999"], {"maximum": "1e30"}, []),
    ],
)
def test_decimals_are_compared_exactly(
    delivery: Delivery, values: list[str], bound: dict[str, str], broken: list[int]
) -> None:
    for type_, precision, scale in ((pa.decimal128, 20, 4), (pa.decimal128, 38, 6), (pa.decimal256, 60, 6)):
        folder = Delivery(delivery.root / f"{precision}", quality=OPEN_GATE)
        folder.contract = {"columns": [{"name": "x", "type": f"decimal({precision},{scale})", **bound}]}
        folder.add(pa.table({"x": pa.array([D(value) for value in values], type_(precision, scale))}))

        folder.check()

        assert [reject["row"] for reject in folder.rejects()] == broken


def test_decimals_of_more_than_38_digits_are_exact_in_every_rule(delivery: Delivery) -> None:
    huge = "123456789012345678901234567890123456789012345.{}"
    values = [D(huge.format("01")), D(huge.format("02")), D(huge.format("02")), None, D("-" + huge.format("01")), D(0)]
    column = {"name": "x", "type": "decimal(60,2)", "unique": True, "maximum": huge.format("015"), "allowed": None}
    delivery.contract = {
        "columns": [column],
        "expectations": [
            {"type": "expect_column_values_to_not_be_in_set", "arguments": {"column": "x", "value_set": ["0.00"]}}
        ],
    }
    delivery.quality = OPEN_GATE
    delivery.add(pa.table({"x": pa.array(values[:3], pa.decimal256(60, 2))}))
    delivery.add(pa.table({"x": pa.array(values[3:], pa.decimal256(60, 2))}))

    checked = delivery.check()

    assert checked.passed()["x"].to_pylist() == [values[0], None, values[4]]
    assert [(reject["row"], reject["value"]) for reject in delivery.rejects()] == [
        (2, huge.format("02")),
        (3, huge.format("02")),
        (3, "0.00"),
    ]
    assert checked.rule("expect_column_values_to_be_unique")["unexpected"] == 2
    assert delivery.report["columns"][0]["missing"] == 1


def test_nan_is_no_value_even_where_parquet_statistics_hide_it(delivery: Delivery) -> None:
    delivery.contract = {"columns": [{"name": "x", "type": "float", "nullable": False, "maximum": 5}]}
    delivery.quality = OPEN_GATE
    delivery.add(pa.table({"x": [1.0, float("nan"), 6.0, None, 2.0]}), row_group_size=2)

    delivery.check()

    found = [(reject["row"], reject["rule"].rpartition("_to_")[2]) for reject in delivery.rejects()]
    assert found == [(2, "not_be_null"), (3, "be_between"), (4, "not_be_null")]


def test_names_that_differ_in_case_or_look_like_the_engines_own_are_told_apart(delivery: Delivery) -> None:
    names = ["Close", "close", "file_index", "file_row_number", "filename", 'a "quoted, name']
    delivery.contract = {"columns": [{"name": name, "type": "integer", "maximum": n} for n, name in enumerate(names)]}
    delivery.quality = OPEN_GATE
    delivery.add(pa.table({name: pa.array([n, n, n + (n == 1)]) for n, name in enumerate(names)}))

    checked = delivery.check()

    assert checked.rule("expect_column_values_to_be_between", "close")["unexpected"] == 1
    assert [(reject["row"], reject["column"]) for reject in delivery.rejects()] == [(3, "close")]


def test_times_are_compared_with_their_zone(delivery: Delivery) -> None:
    moments = [dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC), dt.datetime(2024, 6, 1, 11, 59, 59, 999999, tzinfo=dt.UTC)]
    bound = {"column": "at", "min_value": "2024-06-01T14:00:00"}
    delivery.contract = {"expectations": [{"type": "expect_column_values_to_be_between", "arguments": bound}]}
    delivery.quality = OPEN_GATE
    delivery.add(pa.table({"at": pa.array(moments, pa.timestamp("us", "Europe/Berlin"))}))

    delivery.check()

    [reject] = delivery.rejects()
    assert (reject["row"], reject["value"]) == (2, "2024-06-01 11:59:59.999999+00")


def test_nested_and_binary_values_are_whole_in_the_record(delivery: Delivery) -> None:
    delivery.contract = {"columns": [{"name": "id", "type": "integer", "maximum": 0}]}
    delivery.quality = OPEN_GATE
    legs = [[{"price": D("1.50"), "on": DAY}, None]]
    type_ = pa.list_(pa.struct([("price", pa.decimal128(9, 2)), ("on", pa.date32())]))
    delivery.add(pa.table({"id": [1], "legs": pa.array(legs, type_), "raw": [b"\x00\xff"], "ok": [True]}))

    delivery.check()

    record = json.loads(delivery.rejects()[0]["record"])
    assert json.loads(record["legs"]) == [{"price": "1.50", "on": "2024-01-31"}, None]
    assert (record["id"], record["raw"], record["ok"]) == ("1", "AP8=", "true")


def test_rejects_are_only_counted_where_the_policy_keeps_none(judged: Delivery) -> None:
    judged.quality = {**OPEN_GATE, "quarantine": False}
    judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(-1), 1)]))

    checked = judged.check()

    assert checked.manifest.rejects == ()
    assert judged.rejects() == []
    assert checked.result.rows_quarantined == 1
    assert symbols(checked.passed()) == ["A"]


def test_the_same_delivery_gives_the_same_bytes_also_over_what_an_interrupted_try_left(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1), ("A", DAY, D(2), 1), ("B", DAY, D(-1), 1)]))
    judged.check()
    first = judged.files()
    for uri in first:
        (judged.root / uri).write_bytes(b"half")

    judged.check()

    assert judged.files() == first


def test_rejects_of_an_earlier_try_go_when_there_are_none_any_more(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(-1), 1)]))
    judged.check()
    judged.contract = {}

    judged.check()

    assert judged.rejects() == []


ROW = st.tuples(
    st.sampled_from(["A", "B", "c", None]),
    st.sampled_from([DAY, dt.date(2024, 2, 1), None]),
    st.sampled_from([D("-1"), D("0"), D("1000"), D("1000.0001"), None]),
    st.sampled_from([1, 2, 9, None]),
)


@given(parts=st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=3), group=st.integers(1, 4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_passed_and_rejected_are_all_that_was_read_each_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[Any, ...]]], group: int
) -> None:
    delivery = Delivery(tmp_path_factory.mktemp("property"), contract=CONTRACT, quality=OPEN_GATE)
    for rows in parts:
        delivery.add(quotes(rows), row_group_size=group)

    checked = delivery.check()

    read = [(part.made_from[0], row) for part in delivery.parts for row in range(1, (part.row_count or 0) + 1)]
    left = checked.passed().to_pylist() if checked.manifest.parts else []
    passed = [(row[PART_COLUMN], row[ROW_COLUMN]) for row in left]
    rejected = [(row["part"], row["row"]) for row in delivery.rejects()]
    assert sorted(passed + rejected) == sorted(read)
    assert passed == [place for place in read if place in set(passed)]
    assert rejected == [place for place in read if place in set(rejected)]
    assert left == _expected(parts, delivery)
    assert checked.result.rows_read == len(read)
    assert checked.result.rows_passed + checked.result.rows_quarantined == len(read)


def _expected(parts: list[list[tuple[Any, ...]]], delivery: Delivery) -> list[dict[str, Any]]:
    """The contract in plain Python."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for rows, part in zip(parts, delivery.parts, strict=True):
        for number, (symbol, day, close, volume) in enumerate(rows, start=1):
            whole = symbol is not None and day is not None and symbol.isupper()
            if whole and (close is None or 0 <= close <= 1000) and volume in (1, 2, None) and (symbol, day) not in seen:
                seen.add((symbol, day))
                row = {"symbol": symbol, "day": day, "close": close, "volume": volume}
                kept.append({**row, PART_COLUMN: part.made_from[0], ROW_COLUMN: number})
    return kept


def test_a_new_part_keeps_the_schema_of_the_old_one(judged: Delivery) -> None:
    labelled = quotes([("A", DAY, D(1), 1), ("A", DAY, D(1), 1)]).replace_schema_metadata({"label": "value"})
    judged.add(labelled)

    checked = judged.check()

    old, new = (pq.read_schema(judged.root / uri) for uri in (judged.parts[0].uri, checked.manifest.parts[0].uri))
    assert new.equals(old, check_metadata=True)


def test_a_step_out_of_time_says_so(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1)]))
    judged.seconds = 0

    with pytest.raises(DeadlineExceeded, match="the time of the step is used up"):
        judged.check()


def test_a_scan_ends_when_the_time_is_over(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1)]))
    deadline = Deadline.after(0.3, clock=SystemClock())
    with open_staged(judged.parts, places=judged.places, deadline=deadline) as staged, pytest.raises(DeadlineExceeded):
        staged.query("SELECT sum(a.i * b.i) FROM range(1000000) AS a(i), range(10000000) AS b(i)")


def test_parts_in_an_object_store_are_checked_where_they_lie(judged: Delivery) -> None:
    judged.add(quotes([("A", DAY, D(1), 1), ("B", DAY, D(-1), 1)]))
    judged.add(quotes([("C", DAY, D(1), 1)]))
    remote = UPath("memory://bucket-of-quotes")
    for part in judged.parts:
        (remote / part.uri).write_bytes((judged.root / part.uri).read_bytes())

    with open_staged(judged.parts, places=Places(remote), deadline=Deadline.after(60, clock=SystemClock())) as staged:
        suite = make_suite(Contract.model_validate(CONTRACT), QualitySettings(), schema=staged.record_schema)
        measures = measure(staged, suite)

    assert (measures.row_count, measures.rejected) == (3, 1)
