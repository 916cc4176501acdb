from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.errors import FinportError, FormatError
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

FILE = """\
01,BANK,CUST,240102,0830,7,80,,2/
02,CUST,BANK,1,240101,,USD,2/
03,0012345,,010,500000,,,100,150000,2,/
16,195,100000,1,REF1,CUST1,WIRE IN/
16,275,50000,S,20000,30000,0,REF2,,SPLIT A/B
88,SECOND LINE, WITH COMMA
49,800000,5/
03,0099,JPY,010,+1234,,/
16,475,1234,V,240103,1200,,,CHECK 7/
49,2468,3/
98,802468,2,10/
99,802468,1,12/
"""


def bai2(folder: Path, text: str | bytes, **options: Any) -> Found:
    content = text.encode() if isinstance(text, str) else text
    return read_bytes(folder, content, format="bai2", **options)


def test_transactions_carry_their_account_and_amounts_in_its_currency(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE)
    assert not found.bad
    assert not found.warnings
    assert [(r["account_number"], r["currency"], r["type_code"], r["amount"]) for r in found.rows("transactions")] == [
        ("0012345", "USD", "195", "1000.00"),
        ("0012345", "USD", "275", "500.00"),
        ("0099", "JPY", "475", "1234"),
    ]
    assert found.column("direction", "transactions") == ["credit", "credit", "debit"]
    assert found.column("as_of_date", "transactions") == ["2024-01-01"] * 3


def test_funds_types_bring_their_own_fields(tmp_path: Path) -> None:
    first, split, dated = bai2(tmp_path, FILE).rows("transactions")
    assert first["funds_type"] == "1"
    assert (first["bank_reference"], first["customer_reference"], first["text"]) == ("REF1", "CUST1", "WIRE IN")
    assert (split["available_immediate"], split["available_one_day"]) == ("200.00", "300.00")
    assert (split["bank_reference"], split["customer_reference"]) == ("REF2", None)
    assert (dated["value_date"], dated["value_time"], dated["text"]) == ("2024-01-03", "1200", "CHECK 7")


def test_distributed_availability_is_kept_pair_by_pair(tmp_path: Path) -> None:
    text = FILE.replace("195,100000,1,", "195,100000,D,2,0,40000,3,60000,")
    [row, *_] = bai2(tmp_path, text).rows("transactions")
    assert json.loads(row["distribution"]) == [{"days": "0", "amount": "400.00"}, {"days": "3", "amount": "600.00"}]
    assert row["bank_reference"] == "REF1"


def test_text_goes_on_in_continuations_with_its_commas_and_slashes(tmp_path: Path) -> None:
    row = bai2(tmp_path, FILE).rows("transactions")[1]
    assert row["text"] == "SPLIT A/B\nSECOND LINE, WITH COMMA"
    assert row["record"].splitlines()[1] == "88,SECOND LINE, WITH COMMA"


def test_fields_go_on_in_continuations_too(tmp_path: Path) -> None:
    text = FILE.replace("010,500000,,,100,150000,2,/", "010,500000,,/\n88,100,150000,2,/").replace(
        "49,800000,5", "49,800000,6"
    )
    found = bai2(tmp_path, text)
    assert [(r["type_code"], r["amount"], r["item_count"]) for r in found.rows("summaries")][:2] == [
        ("010", "5000.00", None),
        ("100", "1500.00", "2"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("49,800000,5/", "49,800001,5/", "control total of account 1 is stated as 800001, but its records make 800000"),
        ("49,800000,5/", "49,800000,4/", "number of records of account 1 is stated as 4, but its records make 5"),
        ("98,802468,2,10/", "98,802468,3,10/", "number of accounts of the group is stated as 3"),
        ("98,802468,2,10/", "98,802468,2,11/", "number of records of the group is stated as 11"),
        ("99,802468,1,12/", "99,1,1,12/", "control total of the file is stated as 1,"),
        ("99,802468,1,12/", "99,802468,2,12/", "number of groups of the file is stated as 2"),
    ],
)
def test_totals_that_do_not_hold_are_said(tmp_path: Path, before: str, after: str, said: str) -> None:
    found = bai2(tmp_path, FILE.replace(before, after))
    assert said in found.warnings
    assert len(found.rows("transactions")) == 3


def test_an_account_whose_totals_do_not_hold_may_be_set_aside(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE.replace("49,800000,5/", "49,800001,5/"), controlTotals="set_aside")
    assert found.column("account_number", "transactions") == ["0099"]
    [bad] = found.bad
    assert bad.rule == "control_total"
    assert bad.text.startswith("03,0012345")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("16,195,100000", "16,195,1000.00", "line 4, byte 104: the amount is not a whole number"),
        ("16,195,", "16,1x5,", "the type code"),
        ("010,500000", "010,5OO000", "an amount of the account's summary"),
        ("275,50000,S", "275,50000,Q", "the funds type is none of"),
        ("16,275", "XX,275", "does not begin with a record code"),
        ("49,800000,5/", "49,8000x0,5/", "the control total is not a whole number"),
    ],
)
def test_a_record_that_cannot_be_read_sets_its_account_aside(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    found = bai2(tmp_path, FILE.replace(before, after))
    assert found.column("account_number", "transactions") == ["0099"]
    assert found.column("account_number", "summaries") == ["0099"]
    [bad] = found.bad
    assert said in bad.reason
    assert bad.table == "transactions"


def test_a_value_date_that_is_no_day_sets_the_account_aside(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE.replace("V,240103", "V,240230"))
    assert [bad.reason.partition(": ")[2] for bad in found.bad] == ["the value date is no day of the calendar"]


def test_a_group_whose_header_cannot_be_read_sets_its_accounts_aside(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE.replace("240101", "24O101"))
    assert found.rows("transactions") == []
    assert [bad.table for bad in found.bad] == ["transactions", "transactions", "groups"]


def test_a_file_on_one_line_is_cut_at_its_slashes(tmp_path: Path) -> None:
    lines = [line if line.endswith("/") else f"{line}/" for line in FILE.splitlines()]
    found, plain = bai2(tmp_path, "".join(lines).replace(",80,,2/", ",,,2/")), bai2(tmp_path, FILE)
    assert found.column("amount", "transactions") == plain.column("amount", "transactions")
    assert found.column("text", "transactions") == plain.column("text", "transactions")
    assert not found.bad


@pytest.mark.parametrize(
    ("before", "after"),
    [(",80,,2/\n", ",20,,2/\n"), (",80,,2/\n", ",80,,2/" + " " * 60 + "\n"), (",80,,2/\n", ",80,,2/")],
)
def test_lines_are_records_whatever_the_first_one_says_of_their_length(tmp_path: Path, before: str, after: str) -> None:
    found = bai2(tmp_path, FILE.replace(before, after).replace("WIRE IN/", "WIRE IN"))
    assert not found.bad
    assert not found.warnings
    assert found.column("text", "transactions") == ["WIRE IN", "SPLIT A/B\nSECOND LINE, WITH COMMA", "CHECK 7"]


@pytest.mark.parametrize(
    ("records", "read"),
    [
        ("010,0/\n88,015,0/\n88,040,0/", [("010", None, None), ("015", None, None), ("040", None, None)]),
        ("010,0/\n88,12,1,015,0,,/", [("010", "12", "1"), ("015", None, None)]),
        ("010,0,5,S,100/\n88,200,300,015,0,,/", [("010", "5", "S"), ("015", None, None)]),
    ],
)
def test_a_summary_ends_with_its_record_where_the_next_one_begins_with_a_type_code(
    tmp_path: Path, records: str, read: list[tuple[str, str | None, str | None]]
) -> None:
    count = records.count("\n") + 2
    account = f"03,0012345,,{records}\n49,0,{count}/\n"
    text = FILE[: FILE.index("03,0012345")] + account + f"98,0,1,{count + 2}/\n99,0,1,{count + 4}/\n"
    found = bai2(tmp_path, text)
    assert not found.bad
    assert not found.warnings
    assert [(r["type_code"], r["item_count"], r["funds_type"]) for r in found.rows("summaries")] == read


def test_a_file_of_blocks_is_cut_at_the_length_that_its_header_states(tmp_path: Path) -> None:
    found = bai2(tmp_path, "".join(line.ljust(80) for line in FILE.splitlines()))
    assert found.column("amount", "transactions") == ["1000.00", "500.00", "1234"]
    assert not found.bad


def test_a_cut_file_keeps_whole_accounts_and_says_what_is_missing(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE[: FILE.index("49,2468")])
    assert found.column("account_number", "accounts") == ["0012345"]
    assert {(bad.table, bad.rule) for bad in found.bad} == {
        ("transactions", "cut"),
        ("groups", "cut"),
        ("files", "cut"),
    }


@pytest.mark.parametrize("trailer", ["99", "99,", "99,802468", "99,802468,1"])
def test_a_trailer_that_states_no_number_of_records_is_told(tmp_path: Path, trailer: str) -> None:
    found = bai2(tmp_path, FILE[: FILE.index("99,802468")] + trailer)
    assert "the trailer of the file states no number of records" in found.warnings


def test_records_out_of_place_are_not_lost(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE.replace("98,802468", "16,195,5,,,,STRAY/\n98,802468"))
    assert [bad.text for bad in found.bad] == ["16,195,5,,,,STRAY/"]


def test_bytes_that_are_not_of_the_encoding_set_the_account_aside(tmp_path: Path) -> None:
    found = bai2(tmp_path, FILE.encode().replace(b"WIRE IN", b"W\xffRE IN"), encoding="utf-8")
    assert [(bad.rule, r"W\xffRE" in bad.text) for bad in found.bad] == [("encoding", True)]


def test_every_table_is_there_with_its_types_however_little_the_file_holds(tmp_path: Path) -> None:
    found = bai2(tmp_path, "01,A,B,240101,,1,,,2/\n99,0,0,2/\n")
    assert found.tables == {"transactions", "summaries", "accounts", "groups", "files"}
    assert found.batches[0].types["amount"] == "decimal(18,2)"


@pytest.mark.parametrize("text", ["", "\n \n", "00,0004,1/2/345,06/0321,0829,001,80,1,2/\n", "id,name\n1,x\n"])
def test_what_is_no_bai2_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        bai2(tmp_path, text)
    assert caught.value.hint


def test_it_is_recognised_by_its_header() -> None:
    likeness = recognised("bai2", FILE)
    assert likeness is not None
    assert likeness.confidence > 0.9
    assert recognised("bai2", FILE[:30]) is not None
    assert recognised("bai2", "01,02,03\n04,05,06\n") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(FILE) - 1), junk=st.binary(max_size=6))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, at: int, junk: bytes) -> None:
    content = FILE.encode()
    try:
        found = bai2(tmp_path, content[:at] + junk + content[at + len(junk) :])
    except FinportError:
        return
    assert found.rows("transactions") or found.bad or found.warnings
