"""Names of columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from finport_ingestion.engine.convert.names import merge_names, unique_names


def test_duplicates_and_blanks_get_a_name_of_their_own() -> None:
    assert unique_names(["price", "price", "", " PRICE ", "price_2", "\ufeffx"]) == [
        "price",
        "price_3",
        "column_3",
        "PRICE_4",
        "price_2",
        "x",
    ]


def test_the_same_name_many_times_is_numbered_through() -> None:
    expected = ["x", *(f"x_{number}" for number in range(2, 20_001))]
    assert unique_names(["x"] * 20_000) == expected
    assert list(merge_names([expected]).values()) == expected


def test_lineage_columns_are_never_taken() -> None:
    assert unique_names(["_finport_row"]) == ["_finport_row_2"]
    assert merge_names([["_finport_part"]]) == {"_finport_part": "_finport_part_2"}


@given(names=st.lists(st.text("aAb _2", max_size=4), max_size=8))
def test_names_are_unique_without_regard_to_case(names: list[str]) -> None:
    found = unique_names(names)
    assert len({name.casefold() for name in found}) == len(names)
    assert all(found)


def test_names_that_differ_in_case_between_parts_are_one_column() -> None:
    assert merge_names([["Price", "qty"], ["price", "new"]]) == {
        "Price": "Price",
        "qty": "qty",
        "price": "Price",
        "new": "new",
    }


def test_names_that_differ_in_case_within_a_part_are_two() -> None:
    assert merge_names([["p", "P"], ["P"]]) == {"p": "p", "P": "P_2"}


def test_the_contract_spells_the_name() -> None:
    assert merge_names([["PRICE", " Qty"]], agreed=["price", "qty"]) == {"PRICE": "price", " Qty": "qty"}
    assert merge_names([["p", "P"]], agreed=["P"]) == {"p": "p_2", "P": "P"}
