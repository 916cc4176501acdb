from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.errors import FinportError, FormatError
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

HEADER = "101 0420000130231380104240102083" + "0A094101US BANK NA             EXAMPLE COMPANY".ljust(62)
NINES = "9" * 94


def batch(entries: list[str], *, entry_class: str = "PPD", number: int = 1, cents: tuple[int, int]) -> list[str]:
    head = f"5200{'EXAMPLE COMPANY':<16}{'':20}0231380104{entry_class}PAYROLL   240101240103   104200001{number:07d}"
    count = len(entries)
    hashed = sum(int(e[3:11]) for e in entries if e[0] == "6") % 10**10
    control = f"8200{count:06d}{hashed:010d}{cents[0]:012d}{cents[1]:012d}0231380104{'':25}04200001{number:07d}"
    return [head, *entries, control]


def entry(code: str, cents: int, *, account: str = "0007", name: str = "JANE", addenda: int = 0) -> str:
    return f"6{code}021200025{account:<17}{cents:010d}{'ID1':<15}{name:<22}  {addenda}042000010000001"


def control(batches: list[list[str]], debit: int, credit: int) -> str:
    records = [record for each in batches for record in each]
    count = sum(record[0] in "67" for record in records)
    hashed = sum(int(record[10:20]) for record in records if record[0] == "8") % 10**10
    return f"9{len(batches):06d}{1:06d}{count:08d}{hashed:010d}{debit:012d}{credit:012d}".ljust(94)


ONE = batch(
    [entry("27", 150, addenda=1), "705" + "INVOICE 1".ljust(80) + "00010000001", entry("22", 5000)], cents=(150, 5000)
)
TWO = batch([entry("32", 7)], number=2, cents=(0, 7))
FILE = [HEADER, *ONE, *TWO, control([ONE, TWO], 150, 5007), NINES, NINES]


def nacha(folder: Path, records: list[str], *, end: str = "\n", **options: Any) -> Found:
    return read_bytes(folder, end.join(records).encode(), format="nacha", **options)


def test_entries_carry_their_batch_and_exact_amounts(tmp_path: Path) -> None:
    assert {len(record) for record in FILE} == {94}
    found = nacha(tmp_path, FILE)
    assert (found.bad, found.warnings) == ([], "")
    rows = found.rows("entries")
    assert [(r["direction"], r["amount"], r["receiving_dfi"], r["account_number"]) for r in rows] == [
        ("debit", "1.50", "021200025", "0007"),
        ("credit", "50.00", "021200025", "0007"),
        ("credit", "0.07", "021200025", "0007"),
    ]
    assert [r["batch_number"] for r in rows] == ["0000001", "0000001", "0000002"]
    assert rows[0]["effective_date"] == "2024-01-03"
    assert rows[0]["trace_number"] == "042000010000001"


def test_addenda_belong_to_the_entry_before_them(tmp_path: Path) -> None:
    [row] = nacha(tmp_path, FILE).rows("addenda")
    assert (row["entry"], row["addenda_type"], row["payment_information"]) == ("1", "05", "INVOICE 1")
    assert (row["sequence_number"], row["entry_sequence_number"]) == ("0001", "0000001")


def test_totals_of_batches_and_file_are_in_tables_of_their_own(tmp_path: Path) -> None:
    found = nacha(tmp_path, FILE)
    assert found.column("total_debit", "batches") == ["1.50", "0.00"]
    assert found.column("total_credit", "files") == ["50.07"]
    assert found.column("file_date", "files") == ["2024-01-02"]


@pytest.mark.parametrize("end", ["", "\r\n", "\r"])
def test_records_are_found_however_they_are_separated(tmp_path: Path, end: str) -> None:
    assert nacha(tmp_path, FILE, end=end).column("amount", "entries") == ["1.50", "50.00", "0.07"]


def test_blanks_that_an_editor_cut_are_put_back(tmp_path: Path) -> None:
    assert not nacha(tmp_path, [record.rstrip() for record in FILE]).bad


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (slice(4, 10), "000004", "number of entries and addenda is stated as 4, its records make 3"),
        (slice(10, 20), "0000000001", "entry hash is stated as 1"),
        (slice(20, 32), "000000000151", "total of debits (cents) is stated as 151, its records make 150"),
        (slice(32, 44), "000000004999", "total of credits (cents) is stated as 4999, its records make 5000"),
    ],
)
def test_a_batch_that_does_not_add_up_is_set_aside(tmp_path: Path, field: slice, value: str, said: str) -> None:
    records = list(FILE)
    wrong = records[5]
    records[5] = wrong[: field.start] + value + wrong[field.stop :]
    found = nacha(tmp_path, records)
    assert found.column("amount", "entries") == ["0.07"]
    assert found.rows("addenda") == []
    [bad] = found.bad
    assert bad.rule == "control_total"
    assert said in bad.reason
    assert bad.text.count("\n") == 4
    mild = nacha(tmp_path, records, controlTotals="warn")
    assert len(mild.rows("entries")) == 3
    assert said in mild.warnings


def test_an_entry_that_cannot_be_read_sets_its_batch_aside(tmp_path: Path) -> None:
    records = list(FILE)
    records[2] = records[2].replace("0000000150", "00000001.5")
    found = nacha(tmp_path, records)
    assert found.column("batch", "entries") == ["2"]
    assert [bad.reason for bad in found.bad] == ["line 3, byte 190: the amount (30-39) is not digits"]


def test_a_record_of_another_length_sets_its_batch_aside(tmp_path: Path) -> None:
    records = list(FILE)
    records[2] += "X"
    assert [bad.rule for bad in nacha(tmp_path, records).bad] == ["bad_record"]


def test_a_cut_file_keeps_whole_batches_and_says_what_is_missing(tmp_path: Path) -> None:
    found = nacha(tmp_path, FILE[:7])
    assert found.column("batch", "batches") == ["1"]
    assert [(bad.rule, bad.table) for bad in found.bad] == [("cut", "entries"), ("cut", "files")]


def test_a_file_control_that_does_not_hold_is_said(tmp_path: Path) -> None:
    records = list(FILE)
    records[9] = control([ONE], 150, 5007)
    found = nacha(tmp_path, records)
    assert "the number of batches is stated as 1, the file has 2" in found.warnings
    assert "entry hash" in found.warnings


def test_fields_mean_what_the_class_says(tmp_path: Path) -> None:
    paid = f"627021200025{'0007':<17}{100:010d}{'CHK 42':<9}NYC NY{'SHOP':<22}  0042000010000001"
    records = batch([paid], entry_class="POP", cents=(100, 0))
    [row] = nacha(tmp_path, [HEADER, *records, control([records], 100, 0)]).rows("entries")
    assert (row["check_serial_number"], row["terminal_city"], row["terminal_state"]) == ("CHK 42", "NYC", "NY")
    assert row["individual_identification"] is None
    assert row["field_40_54"] == "CHK 42   NYC NY"


def test_international_entries_have_their_account_elsewhere(tmp_path: Path) -> None:
    there = "6220910502340007             0000000018998412345                              1042000010000001"
    records = batch([there], entry_class="IAT", cents=(0, 18))
    [row] = nacha(tmp_path, [HEADER, *records, control([records], 0, 18)]).rows("entries")
    assert (row["account_number"], row["addenda_count"], row["field_13_29"]) == ("998412345", "0007", "0007")


def test_returns_and_changes_name_what_they_answer(tmp_path: Path) -> None:
    returned = "799R01091012980000088      09101298".ljust(79) + "091012980000088"
    changed = "798C01091012980000088      091012981918171614".ljust(79) + "091012980000088"
    records = batch([entry("26", 5), returned, entry("21", 0), changed], cents=(5, 0))
    one, two = nacha(tmp_path, [HEADER, *records, control([records], 5, 0)]).rows("addenda")
    assert (one["return_reason_code"], one["original_trace_number"]) == ("R01", "091012980000088")
    assert (two["change_code"], two["corrected_data"]) == ("C01", "1918171614")


def test_several_files_in_one_are_told_apart(tmp_path: Path) -> None:
    assert nacha(tmp_path, FILE + FILE).column("file", "entries") == ["1", "1", "1", "2", "2", "2"]


@pytest.mark.parametrize("records", [[], [" "], ["1,2,3", "4,5,6"], FILE[1:]])
def test_what_is_no_nacha_file_is_refused(tmp_path: Path, records: list[str]) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        nacha(tmp_path, records)
    assert caught.value.hint


def test_it_is_recognised_by_its_header() -> None:
    likeness = recognised("nacha", "\n".join(FILE))
    assert likeness is not None
    assert likeness.confidence > 0.9
    assert recognised("nacha", "".join(FILE)) is not None
    assert recognised("nacha", "101 some other text of 1999\n") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 800), junk=st.binary(max_size=6))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, at: int, junk: bytes) -> None:
    content = "\n".join(FILE).encode()
    try:
        found = read_bytes(tmp_path, content[:at] + junk + content[at + len(junk) :], format="nacha")
    except FinportError:
        return
    assert found.rows("entries") or found.bad


@pytest.mark.parametrize("left", [56, 93])
def test_an_entry_whose_end_is_cut_off_sets_its_batch_aside(tmp_path: Path, left: int) -> None:
    found = nacha(tmp_path, [*FILE[:2], FILE[2][:left], *FILE[3:]])
    assert [f"a record (6) of {left} characters instead of 94" in record.reason for record in found.bad] == [True]
    assert found.column("amount", "entries") == ["0.07"]


def test_an_addenda_record_whose_end_is_cut_off_is_told(tmp_path: Path) -> None:
    found = nacha(tmp_path, [*FILE[:3], FILE[3][:90], *FILE[4:]])
    assert not found.bad
    assert "a record (7) of 90 characters" in found.warnings


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (-3, lambda record: f"{record[:7]}000002{record[13:]}", "the number of blocks is stated as 2"),
        (5, lambda record: record[:87] + "0000009", "the control is of batch 0000009, its header of 0000001"),
    ],
)
def test_counts_and_numbers_of_controls_are_compared(
    tmp_path: Path, place: int, change: Callable[[str], str], said: str
) -> None:
    records = [*FILE]
    records[place] = change(records[place])
    found = nacha(tmp_path, records)
    assert not found.bad
    assert said in found.warnings


def test_a_last_line_of_nines_may_be_cut(tmp_path: Path) -> None:
    found = nacha(tmp_path, [*FILE, "9" * 40])
    assert (found.bad, found.warnings) == ([], "")
