"""What a departure from the contract costs, by mode."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finport_ingestion.engine.errors import ConfigError, ContractBroken
from tests.unit.convert.deployment import Converted, Delivered, Deployment

COLUMNS = [
    {"name": "id", "type": "identifier"},
    {"name": "price", "type": "decimal(8,2)"},
    {"name": "qty", "type": "integer"},
    {"name": "day", "type": "date"},
]
GOOD = b"id,price,qty,day\n1,1.50,10,2024-01-31\n"
BAD = GOOD + b"2,abc,x,2024-01-31\n3,2.25,20,2024-02-30\n4,3.75,30,2024-02-01\n"


def convert(root: Path, mode: str, *contents: bytes | Delivered, columns: Any = COLUMNS, **options: Any) -> Converted:
    return Deployment(root, contract={"mode": mode, "columns": columns}, **options).run(*contents)


def test_agreed_types_win_over_what_values_look_like(tmp_path: Path) -> None:
    columns = [{"name": "qty", "type": "text"}, {"name": "trade_id", "type": "integer"}]
    converted = convert(tmp_path, "evolve", b"qty,trade_id\n1,5\n", columns=columns)
    assert converted.rows("qty", "trade_id") == [("1", 5)]


@pytest.mark.parametrize("mode", ["evolve", "discardRow"])
def test_a_record_with_a_value_that_does_not_fit_is_rejected(tmp_path: Path, mode: str) -> None:
    converted = convert(tmp_path, mode, BAD)
    assert converted.column("id") == ["1", "4"]
    first, second = converted.rejects
    assert (first["row"], first["column"], first["rule"], first["value"]) == (2, "price", "type", "a*c")
    assert first["reason"] == "column 'price': not decimal(8,2); column 'qty': not integer"
    assert json.loads(first["record"]) == {"id": "2", "price": "abc", "qty": "x", "day": "2024-01-31"}
    assert (second["row"], second["column"]) == (3, "day")


def test_a_frozen_contract_fails_and_names_part_row_and_column(tmp_path: Path) -> None:
    message = r"00000\.csv: row 2, column 'price': not decimal\(8,2\): 'a\*c'"
    with pytest.raises(ContractBroken, match=message):
        convert(tmp_path, "freeze", BAD)
    assert not list((tmp_path / "staging/daily/prices/manual__1/convert").glob("part-*"))


def test_a_frozen_contract_refuses_new_and_missing_columns(tmp_path: Path) -> None:
    with pytest.raises(ContractBroken, match=r"column 'fee' is not in the contract"):
        convert(tmp_path / "new", "freeze", b"id,price,qty,day,fee\n1,1.50,10,2024-01-31,1\n")
    with pytest.raises(ContractBroken, match=r"column 'day' of the contract is not delivered"):
        convert(tmp_path / "missing", "freeze", b"id,price,qty\n1,1.50,10\n")
    assert convert(tmp_path / "same", "freeze", GOOD).manifest.facts["drift"] == []


def test_a_discarded_value_is_null_and_counted(tmp_path: Path) -> None:
    converted = convert(tmp_path, "discardValue", BAD)
    assert converted.rows("price", "qty", "day")[1:3] == [
        (None, None, date(2024, 1, 31)),
        (Decimal("2.25"), 20, None),
    ]
    assert converted.rejects == []
    assert "column 'price': 1 values that do not fit are null" in converted.result.notes


@pytest.mark.parametrize("mode", ["discardRow", "discardValue"])
def test_unknown_columns_are_left_out_and_said(tmp_path: Path, mode: str) -> None:
    converted = convert(tmp_path, mode, b"id,price,qty,day,fee\n1,1.50,10,2024-01-31,9\n")
    assert "fee" not in converted.types
    assert converted.manifest.facts["drift"] == ["column 'fee' is unknown to the contract and left out"]


def test_evolving_contracts_gain_columns_and_miss_them_as_null(tmp_path: Path) -> None:
    converted = convert(tmp_path, "evolve", b"id,price,qty,fee\n1,1.50,10,0.125\n")
    assert converted.rows("fee", "day") == [(Decimal("0.125"), None)]
    assert converted.manifest.facts["drift"] == [
        "column 'fee' is new: decimal(18,3)",
        "column 'day' of the contract is not delivered",
    ]


def test_evolving_numbers_widen_without_loss_in_all_parts(tmp_path: Path) -> None:
    late = b"id,price,qty,day\n2,1234567.125,2.5,2024-01-31\n3,x,1,2024-01-31\n"
    converted = convert(tmp_path, "evolve", GOOD, late)
    assert converted.types["price"] == "decimal(18,3)"
    assert converted.types["qty"] == "decimal(18,1)"
    assert converted.column("price") == [Decimal("1.500"), Decimal("1234567.125")]
    assert converted.manifest.facts["drift"] == [
        "column 'price' is decimal(18,3), agreed is decimal(8,2)",
        "column 'qty' is decimal(18,1), agreed is integer",
    ]
    assert [reject["row"] for reject in converted.rejects] == [2]


def test_zeros_behind_the_agreed_scale_are_no_departure(tmp_path: Path) -> None:
    for mode in ("evolve", "freeze"):
        converted = convert(tmp_path / mode, mode, b"id,price,qty,day\n1,1.5000,10,2024-01-31\n")
        assert converted.column("price") == [Decimal("1.50")]
        assert converted.types["price"] == "decimal(8,2)"


def test_other_modes_do_not_widen(tmp_path: Path) -> None:
    converted = convert(tmp_path, "discardRow", b"id,price,qty,day\n1,1.125,10,2024-01-31\n")
    assert converted.table.num_rows == 0
    assert converted.rejects[0]["column"] == "price"


def test_names_are_taken_without_regard_to_case_and_blanks(tmp_path: Path) -> None:
    converted = convert(tmp_path, "freeze", b"ID, Price ,QTY,Day\n1,1.50,10,2024-01-31\n")
    assert list(converted.types) == ["id", "price", "qty", "day"]
    assert converted.table.schema.field("price").metadata[b"original_name"] == b" Price "


def test_keys_that_differ_in_case_are_two_columns(tmp_path: Path) -> None:
    columns = [{"name": "P", "type": "decimal(18,2)"}]
    first = Delivered(b'{"p": 5, "P": 1.5}\n', suffix=".ndjson")
    second = Delivered(b'{"p": 6}\n', suffix=".ndjson")
    converted = convert(tmp_path, "evolve", first, second, columns=columns)
    assert converted.types == {"p_2": "integer", "P": "decimal(18,2)"}
    assert converted.rows("p_2", "P") == [(5, Decimal("1.50")), (6, None)]


def test_an_agreed_date_is_read_as_most_values_write_it(tmp_path: Path) -> None:
    columns = [{"name": "day", "type": "date"}]
    content = b"day\n31/01/2024\n01/02/2024\n2024-02-01\n"
    converted = convert(tmp_path, "evolve", content, columns=columns)
    assert converted.column("day") == [date(2024, 1, 31), date(2024, 2, 1)]
    assert [reject["row"] for reject in converted.rejects] == [3]


def test_an_agreed_date_that_can_be_read_in_two_ways_asks_for_the_order(tmp_path: Path) -> None:
    columns = [{"name": "day", "type": "date"}]
    with pytest.raises(ConfigError, match="dateOrder"):
        convert(tmp_path / "open", "evolve", b"day\n01/02/2024\n", columns=columns)
    csv = {"format": "csv", "dateOrder": "dmy"}
    converted = convert(tmp_path / "dmy", "evolve", b"day\n01/02/2024\n", columns=columns, convert=csv)
    assert converted.column("day") == [date(2024, 2, 1)]


def test_another_part_may_settle_the_order_of_an_agreed_date(tmp_path: Path) -> None:
    columns = [{"name": "day", "type": "date"}]
    converted = convert(tmp_path, "evolve", b"day\n01/02/2024\n", b"day\n02/28/2024\n", columns=columns)
    assert converted.column("day") == [date(2024, 1, 2), date(2024, 2, 28)]


def test_typed_columns_are_cast_exactly_or_rejected(tmp_path: Path) -> None:
    out = io.BytesIO()
    table = pa.table(
        {
            "id": ["1", "2"],
            "price": pa.array([Decimal("1.5000"), Decimal("1.1250")], pa.decimal128(18, 4)),
            "qty": [1.0, 2.0],
            "day": pa.array(["2024-01-31 00:00:00"] * 2).cast(pa.timestamp("us")),
        }
    )
    pq.write_table(table, out)
    delivered = Delivered(out.getvalue(), suffix=".parquet", format="parquet")
    converted = convert(tmp_path, "evolve", delivered)
    assert converted.rows("id", "price", "qty", "day") == [("1", Decimal("1.50"), 1, date(2024, 1, 31))]
    assert json.loads(converted.rejects[0]["record"])["price"] == "1.125"
    assert converted.manifest.facts["drift"][0] == (
        "column 'price' is delivered as decimal(18,4), agreed is decimal(8,2)"
    )


@pytest.mark.parametrize("mask", ["none", "full"])
def test_values_are_shown_as_the_policy_says(tmp_path: Path, mask: str) -> None:
    converted = convert(tmp_path, "evolve", BAD, quality={"mask": mask})
    assert converted.rejects[0]["value"] == {"none": "abc", "full": "***"}[mask]
    assert "abc" not in converted.rejects[0]["reason"]
