"""What passes the gate, what does not, and what is said; figures are exact."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from finport_ingestion.engine.errors import PermanentError, QualityGateFailed, Skipped
from finport_ingestion.engine.records import Replaces, Watermark
from finport_ingestion.engine.step import Flags
from tests.unit.validate.deliveries import Delivery, quotes

D = Decimal
DAY = dt.date(2024, 1, 31)
ONE = D(1)
MEAN = "expect_column_mean_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
CONTRACT = {
    "key": ["symbol", "day"],
    "columns": [
        {"name": "symbol", "type": "text"},
        {"name": "day", "type": "date"},
        {"name": "close", "type": "decimal(18,4)", "minimum": 0},
        {"name": "volume", "type": "integer", "nullable": True},
    ],
}
MANIFEST = "staging/prices-daily/prices/run-1/validate/manifest.json"


def rows(count: int, *, close: Any = ONE, first: int = 0) -> list[tuple[Any, ...]]:
    """Records with keys of their own."""
    return [(f"S{number}", DAY, close, number) for number in range(first, first + count)]


def with_policy(delivery: Delivery, contract: dict[str, Any] | None = None, **quality: Any) -> Delivery:
    delivery.contract = CONTRACT if contract is None else contract
    delivery.quality = {"report": False, "mask": "none", **quality}
    return delivery


def test_a_perfect_delivery_scores_100(delivery: Delivery) -> None:
    with_policy(delivery).add(quotes(rows(10)))

    checked = delivery.check()

    assert checked.result.score == 100
    assert checked.manifest.facts["score"] == 100
    assert all(threshold["passed"] for threshold in checked.manifest.facts["thresholds"])


def test_the_score_is_made_of_exact_shares(delivery: Delivery) -> None:
    with_policy(delivery, maxErrorShare=1, maxDuplicateShare=1, minCompleteness=0, minScore=0)
    # Of 20 read: 2 rejected by conversion, 1 without a day, 1 below the minimum, 2 repeat a key, 1 has no price.
    bad = [("X", None, D(1), 1), ("Y", DAY, D(-1), 1), ("S0", DAY, D(1), 0), ("S1", DAY, D(2), 1), ("Z", DAY, None, 1)]
    delivery.rejected_before = 2
    delivery.add(quotes(rows(13) + bad))

    checked = delivery.check()

    shares = {name: share["value"] for name, share in delivery.report["shares"].items()}
    assert shares == {
        "completeness": 17 / 20,
        "validity": 16 / 20,
        "uniqueness": 16 / 18,
        "conformity": 1.0,
        "presence": 52 / 54,
    }
    exact = 30 * 17 / 20 + 30 * 16 / 20 + 20 * 16 / 18 + 10 + 10 * (1 - 2 / 54)
    assert checked.result.score == int(exact * 100) / 100 == 86.9
    assert delivery.report["rows"] == {
        "read": 20,
        "converted": 18,
        "passed": 14,
        "rejected": 4,
        "rejectedByConversion": 2,
        "repeatedKeys": 2,
        "incomplete": 1,
    }


@pytest.mark.parametrize(("bad", "passes"), [(1, True), (2, False)])
def test_the_error_share_may_be_reached_and_not_exceeded(delivery: Delivery, bad: int, passes: bool) -> None:
    with_policy(delivery).add(quotes(rows(100 - bad) + rows(bad, close=D(-1), first=1000)))

    if passes:
        assert delivery.check().result.rows_passed == 99
    else:
        with pytest.raises(QualityGateFailed, match=r"maxErrorShare: 2 % \(2 of 100 records\), at most 1 % allowed"):
            delivery.check()


def test_what_conversion_rejected_counts_as_errors_too(delivery: Delivery) -> None:
    with_policy(delivery).add(quotes(rows(98)))
    delivery.rejected_before = 2

    with pytest.raises(QualityGateFailed, match=r"maxErrorShare: 2 % \(2 of 100 records\)"):
        delivery.check()


def test_below_the_gate_nothing_can_be_published_and_every_broken_threshold_is_named(delivery: Delivery) -> None:
    with_policy(delivery, minRows=50)
    delivery.add(quotes([(f"S{n}", DAY if n % 2 else None, None if n < 9 else D(1), n) for n in range(20)]))
    (delivery.root / MANIFEST).parent.mkdir(parents=True)
    (delivery.root / MANIFEST).write_text("of an earlier try, with another policy")

    with pytest.raises(QualityGateFailed) as raised:
        delivery.check()

    told = str(raised.value)
    assert told.startswith("prices: the delivery fails the quality gate, nothing is published. ")
    for part in (
        "minRows: 10, at least 50 allowed",
        "minCompleteness: 50 %, at least 95 % allowed",
        "maxNullShare: 50 % (column 'day'), at most 10 % allowed",
        "maxErrorShare: 50 % (10 of 20 records), at most 1 % allowed",
        "minScore: ",
        "Report: reports/prices-daily/prices/run-1/quality.json.",
        "Rejected records: quarantine/prices-daily/prices/run-1/validate.parquet.",
    ):
        assert part in told
    assert "maxDuplicateShare" not in told
    assert raised.value.hint
    assert not (delivery.root / MANIFEST).exists()
    assert len(delivery.rejects()) == 10
    assert delivery.report["passed"] is False


def test_too_many_repeated_keys_fail_the_run(delivery: Delivery) -> None:
    with_policy(delivery, maxErrorShare=1).add(quotes(rows(9) + rows(1)))

    with pytest.raises(QualityGateFailed, match=r"maxDuplicateShare: 10 % \(1 of 10 records\), at most 5 % allowed"):
        delivery.check()


@pytest.mark.parametrize("nullable", [True, None])
def test_nulls_count_unless_the_column_is_called_nullable(delivery: Delivery, nullable: bool | None) -> None:
    column: dict[str, Any] = {"name": "note", "type": "text"}
    contract = {"columns": [column if nullable is None else {**column, "nullable": nullable}]}
    with_policy(delivery, contract).add(pa.table({"note": ["a", None, None, "b"]}))

    if nullable:
        assert delivery.check().result.score == 100
    else:
        with pytest.raises(QualityGateFailed, match=r"maxNullShare: 50 % \(column 'note'\)"):
            delivery.check()


def test_an_empty_delivery_fails_only_where_records_are_asked_for(delivery: Delivery) -> None:
    with_policy(delivery)
    with pytest.raises(QualityGateFailed, match="minRows: 0, at least 1 allowed"):
        delivery.check()

    delivery.quality = {"report": False, "minRows": 0}
    assert delivery.check().manifest.parts == ()


def test_min_rows_counts_the_records_that_pass(delivery: Delivery) -> None:
    with_policy(delivery, minRows=3, maxErrorShare=1, minScore=0).add(quotes(rows(2) + rows(1, close=D(-1), first=9)))

    with pytest.raises(QualityGateFailed, match="minRows: 2, at least 3 allowed"):
        delivery.check()


@pytest.mark.parametrize(
    ("expectation", "told"),
    [
        ({"type": MEAN, "arguments": {"column": "volume", "min_value": 9}}, "does not hold"),
        ({"type": IN_SET, "arguments": {"column": "x", "value_set": [1]}}, "'x' is not in"),
        ({"type": BETWEEN, "arguments": {"column": "symbol", "min_value": 1}}, "no bounds"),
        ({"type": BETWEEN, "arguments": {"column": "volume"}}, "min_value or max_value"),
        ({"type": IN_SET, "arguments": {"column": "volume"}}, "'value_set' is missing"),
        (
            {
                "type": BETWEEN,
                "arguments": {"column": "volume", "min_value": 1, "mostly": 0.95},
            },
            "1 of 10 records break it, beyond its mostly",
        ),
    ],
)  # fmt: skip
def test_an_expectation_that_quarantine_cannot_make_good_fails_the_run(
    delivery: Delivery, expectation: dict[str, Any], told: str
) -> None:
    with_policy(delivery, {"expectations": [expectation]}, maxErrorShare=1).add(quotes(rows(10)))

    with pytest.raises(QualityGateFailed) as raised:
        delivery.check()

    assert expectation["type"] in str(raised.value)
    assert told in str(raised.value)


def test_the_same_expectation_as_a_warning_is_only_said(delivery: Delivery) -> None:
    mean = {"type": "expect_column_mean_to_be_between", "arguments": {"column": "volume", "min_value": 9}}
    with_policy(delivery, {"expectations": [{**mean, "severity": "warn"}]}).add(quotes(rows(10)))

    checked = delivery.check()

    assert checked.rule("expect_column_mean_to_be_between")["passed"] is False
    assert any("expect_column_mean_to_be_between(volume)" in note for note in checked.result.notes)


def test_a_tolerated_share_still_goes_to_quarantine(delivery: Delivery) -> None:
    tolerant = {
        "type": BETWEEN,
        "arguments": {"column": "volume", "min_value": 1, "mostly": 0.9},
    }
    with_policy(delivery, {"expectations": [tolerant]}, maxErrorShare=0.1).add(quotes(rows(10)))

    checked = delivery.check()

    assert checked.rule(BETWEEN)["passed"] is True
    assert [reject["record"] for reject in delivery.rejects()] == [
        '{"symbol":"S0","day":"2024-01-31","close":"1.0000","volume":"0"}'
    ]


@pytest.mark.parametrize(("mode", "passes"), [("evolve", True), ("freeze", False), ("discardRow", False)])
def test_a_type_that_is_not_the_agreed_one_fails_the_run_unless_the_contract_evolves(
    delivery: Delivery, mode: str, passes: bool
) -> None:
    contract = {"mode": mode, "columns": [{"name": "volume", "type": "decimal(9,2)"}]}
    with_policy(delivery, contract).add(quotes(rows(10)))

    if passes:
        checked = delivery.check()
        assert checked.result.score == 95
        assert checked.rule("expect_column_values_to_be_of_type", "volume")["observed"] == "int64"
    else:
        with pytest.raises(QualityGateFailed, match=r"expect_column_values_to_be_of_type\(volume\): does not hold"):
            delivery.check()


def test_a_required_column_that_is_absent_fails_the_run_also_where_the_contract_evolves(delivery: Delivery) -> None:
    contract = {"columns": [{"name": "isin", "type": "text", "nullable": False}, {"name": "note", "type": "text"}]}
    with_policy(delivery, contract, minScore=0).add(quotes(rows(10)))

    with pytest.raises(QualityGateFailed, match=r"expect_column_to_exist\(isin\): does not hold") as raised:
        delivery.check()

    assert "note" not in str(raised.value)


def test_without_schema_checks_the_score_is_not_touched_by_columns(delivery: Delivery) -> None:
    contract = {"mode": "freeze", "columns": [{"name": "isin", "type": "text"}]}
    with_policy(delivery, contract, validateSchema=False).add(quotes(rows(10)))

    assert delivery.check().result.score == 100


@pytest.mark.parametrize("flag", [True, False])
def test_asked_to_skip_everything_passes_and_says_that_it_was_not_checked(delivery: Delivery, flag: bool) -> None:
    with_policy(delivery, skip=not flag).add(quotes(rows(3, close=D(-1))))
    delivery.rejected_before = 4

    checked = delivery.check(Flags(skip_data_quality=flag))

    assert checked.manifest.facts["unchecked"] is True
    assert checked.manifest.parts == tuple(delivery.parts)
    assert checked.manifest.reject_count == 4
    assert checked.result.score is None
    assert not (delivery.root / "reports").exists()


def test_what_the_conversion_found_is_carried_on(delivery: Delivery) -> None:
    with_policy(delivery, maxErrorShare=1, minCompleteness=0.9).add(quotes(rows(8) + rows(1, close=D(-1), first=20)))
    delivery.rejected_before, delivery.facts, delivery.replaces = 1, {"schema": "s"}, Replaces.SOURCE
    delivery.watermark = Watermark(field="day", value="2024-01-31", type="date")

    manifest = delivery.check().manifest

    assert [part.uri.rpartition("/")[2] for part in manifest.rejects] == ["convert.parquet", "validate.parquet"]
    assert manifest.replaces is Replaces.SOURCE
    assert [item.item for item in manifest.items] == ["item-0"]
    assert manifest.watermark is not None
    assert manifest.watermark.value == "2024-01-31"
    assert manifest.facts["schema"] == "s"
    assert manifest.facts["unchecked"] is False
    assert manifest.facts["rows"]["passed"] == 8


def test_a_dry_run_checks_nothing(delivery: Delivery) -> None:
    with pytest.raises(Skipped, match="a dry run"):
        delivery.check(Flags(dry_run=True))


def test_parts_of_different_columns_are_refused(delivery: Delivery) -> None:
    delivery.add(quotes(rows(1)))
    delivery.add(pa.table({"other": [1]}))

    with pytest.raises(PermanentError, match="its columns are not those of"):
        delivery.check()
