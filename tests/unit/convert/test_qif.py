from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finport_ingestion.engine.errors import FinportError, FormatError
from tests.unit.convert.read_bytes import Found, read_bytes, recognised

BANK = "!Type:Bank\nD12/31'05\nT-1,234.50\nCX\nN101\nPShop\nA1 Street\nATown\nLFood\n^\nD1/2'06\nT10\nL[Savings]\n^\n"


def qif(folder: Path, text: str, **options: Any) -> Found:
    return read_bytes(folder, text.encode(), format="qif", **options)


def test_transactions_have_dates_and_exact_amounts(tmp_path: Path) -> None:
    found = qif(tmp_path, BANK)
    one, two = found.rows("transactions")
    assert (one["date"], one["amount"], one["number"], one["payee"]) == ("2005-12-31", "-1234.50", "101", "Shop")
    assert one["address"] == "1 Street\nTown"
    assert (two["date"], two["date_as_delivered"], two["transfer_account"]) == ("2006-01-02", "1/2'06", "Savings")
    assert not found.warnings


def test_the_order_of_day_and_month_is_proved_by_the_file_or_stated_and_never_guessed(tmp_path: Path) -> None:
    ambiguous = "!Type:Bank\nD1/2/2005\nT1\n^\nD3/4/2005\nT1\n^\n"
    found = qif(tmp_path, ambiguous)
    assert found.column("date", "transactions") == [None, None]
    assert found.column("date_as_delivered", "transactions") == ["1/2/2005", "3/4/2005"]
    assert "state dateOrder" in found.warnings
    assert qif(tmp_path, ambiguous, dateOrder="dmy").column("date", "transactions") == ["2005-02-01", "2005-04-03"]
    proved = ambiguous + "D31/1/2005\nT1\n^\n"
    assert qif(tmp_path, proved).column("date", "transactions") == ["2005-02-01", "2005-04-03", "2005-01-31"]
    assert "some dates have the day first" in qif(tmp_path, proved + "D1/31/2005\nT1\n^\n").warnings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-03-31", "2024-03-31"),
        ("31.3.2024", "2024-03-31"),
        ("3/31/24", "2024-03-31"),
        ("3/31' 4", "2004-03-31"),
        ("3/31/4", None),
        ("3/31/99", "1999-03-31"),
    ],
)
def test_dates_are_read_as_programs_write_them(tmp_path: Path, text: str, wanted: str | None) -> None:
    found = qif(tmp_path, f"!Type:Bank\nD{text}\nT1\n^\n", dateOrder="mdy")
    assert found.column("date", "transactions") == ([wanted] if wanted else [])
    assert len(found.bad) == (wanted is None)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1,234", "1234"),
        ("1.234,56", "1234.56"),
        ("-,5", None),
        ("+7.", "7"),
        (".50", "0.50"),
        ("12,34", "12.34"),
        ("1,23,4", None),
        ("$5", None),
        ("(1,234.50)", "-1234.50"),
        ("5.00-", "-5.00"),
        ("-(5.00)", None),
        ("1'234.50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1,2345", "1.2345"),
    ],
)
def test_amounts_are_exact_or_set_their_record_aside(tmp_path: Path, text: str, wanted: str | None) -> None:
    found = qif(tmp_path, f"!Type:Cash\nD1/31/2024\nT{text}\n^\n")
    if wanted is None and not found.bad:
        assert found.column("amount", "transactions") == ["-0.5"]
        return
    assert found.column("amount", "transactions") == ([wanted] if wanted else [])
    assert len(found.bad) == (wanted is None)


@pytest.mark.parametrize(
    ("other", "quantity", "wanted"),
    [
        ("1.234,50", "12,345", "12.345"),
        ("1.234,50", "12.345", "12345"),
        ("1,234.50", "12,345", "12345"),
        ("1,234.50", "12.345", "12.345"),
        ("5", "12,345", "12345"),
        ("5", "12.345", "12.345"),
    ],
)
def test_the_amounts_of_a_file_prove_each_others_decimal_mark(
    tmp_path: Path, other: str, quantity: str, wanted: str
) -> None:
    found = qif(tmp_path, f"!Type:Invst\nD31.1.2024\nNBuy\nYFund\nQ{quantity}\nT{other}\n^\n")
    assert found.column("quantity", "investments") == [wanted]
    assert ("nothing in the file proves it" in found.warnings) == (other == "5" and "," in quantity)


def test_an_amount_of_two_readings_is_set_aside_where_the_file_has_both_marks(tmp_path: Path) -> None:
    amounts = ("1,50", "1.50", "1,234")
    found = qif(tmp_path, "!Type:Cash\n" + "".join(f"D31.1.2024\nT{amount}\n^\n" for amount in amounts))
    assert found.column("amount", "transactions") == ["1.50", "1.50"]
    assert [("decimal points as well as commas" in record.reason) for record in found.bad] == [True]


@pytest.mark.parametrize("section", ["!TYPE:BANK", "!type:Bank", "!Type: Bank "])
def test_the_case_of_a_section_does_not_matter(tmp_path: Path, section: str) -> None:
    assert qif(tmp_path, f"{section}\nD1/31/2024\nT5.00\n^\n").column("amount", "transactions") == ["5.00"]


def test_splits_are_rows_of_their_own_and_add_up(tmp_path: Path) -> None:
    text = "!Type:Bank\nD1/31/2024\nT10.00\nLA\nSA\nEone\n$4.00\nSB/c\n$6.00\n%60\n^\n"
    found = qif(tmp_path, text)
    assert [(r["category"], r["memo"], r["amount"], r["percentage"]) for r in found.rows("splits")] == [
        ("A", "one", "4.00", None),
        ("B/c", None, "6.00", "60"),
    ]
    assert found.column("splits", "transactions") == ["2"]
    assert not found.warnings
    assert "the splits make 9.00" in qif(tmp_path, text.replace("$6.00", "$5.00")).warnings


def test_every_record_is_kept_as_delivered(tmp_path: Path) -> None:
    row = qif(tmp_path, BANK + "!Type:Memorized\nKC\n1x\n^\n").rows("records")
    assert (row[0]["T"], row[0]["D"], json.loads(row[0]["A"])) == ("-1,234.50", "12/31'05", ["1 Street", "Town"])
    assert (row[2]["section"], row[2]["K"], json.loads(row[2]["other"])) == ("Type:Memorized", "C", {"1": "x"})


def test_investments_lists_and_accounts_have_tables(tmp_path: Path) -> None:
    found = qif(
        tmp_path,
        "!Option:AutoSwitch\n!Account\nNBroker\nTInvst\nDmine\nL1,000.00\n^\n!Clear:AutoSwitch\n"
        "!Type:Invst\nD1/31/2024\n"
        "NBuy\n"
        "YACME\nI45 1/2\nQ1,000\nT45,500.00\nO9.95\n^\n"
        "!Type:Cat\nNFood\nE\n^\n!Type:Security\nNACME\nS0ACM\nTStock\n^\n"
        '!Type:Prices\n"ACME",45 1/8," 1/31/24"\n^\n',
    )
    [trade] = found.rows("investments")
    assert (trade["account"], trade["price"], trade["quantity"]) == ("Broker", "45.5", "1000")
    assert (trade["amount"], trade["commission"], trade["security"]) == ("45500.00", "9.95", "ACME")
    assert found.column("credit_limit", "accounts") == ["1000.00"]
    assert found.column("kind", "categories") == ["expense"]
    assert found.column("symbol", "securities") == ["0ACM"]
    assert found.rows("prices")[0]["price"] == "45.125"


def test_comment_lines_are_left_out(tmp_path: Path) -> None:
    assert len(qif(tmp_path, "### made by hand ###\n\n" + BANK).rows("transactions")) == 2


def test_a_record_that_is_not_ended_is_set_aside(tmp_path: Path) -> None:
    cut = qif(tmp_path, BANK[:-12])
    assert len(cut.rows("transactions")) == 1
    assert [(bad.rule, bad.row) for bad in cut.bad] == [("cut", 2)]
    run_in = qif(tmp_path, BANK[:-2] + BANK)
    assert len(run_in.rows("transactions")) == 3


def test_a_section_without_records_is_a_file_of_none_and_told(tmp_path: Path) -> None:
    found = qif(tmp_path, "!Type:Bank\n")
    assert found.rows("transactions") == []
    assert found.tables >= {"transactions", "splits", "records"}
    assert "no record in it" in found.warnings


def test_bytes_that_are_not_of_the_encoding_cost_their_record(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, BANK.encode().replace(b"Shop", b"Sh\xffp"), format="qif", encoding="utf-8")
    assert [bad.rule for bad in found.bad] == ["encoding"]
    assert len(found.rows("transactions")) == 1


@pytest.mark.parametrize("text", ["", "\n", "D1/1/2024\nT1\n^\n", "a,b\n1,2\n"])
def test_what_is_no_qif_file_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FormatError, match="landing/delivered: ") as caught:
        qif(tmp_path, text)
    assert caught.value.hint


def test_it_is_recognised_by_its_first_section() -> None:
    likeness = recognised("qif", "# x\n" + BANK)
    assert likeness is not None
    assert likeness.confidence > 0.9
    assert recognised("qif", "!important: css\n") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(BANK) - 1), junk=st.binary(max_size=6))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, at: int, junk: bytes) -> None:
    content = BANK.encode()
    try:
        found = read_bytes(tmp_path, content[:at] + junk + content[at + len(junk) :], format="qif")
    except FinportError:
        return
    assert found.rows("transactions") or found.bad or found.rows("records")


def test_a_section_that_nobody_knows_is_told_once_and_kept(tmp_path: Path) -> None:
    found = qif(tmp_path, "!Type:Banq\nD1/31/2024\nT5.00\n^\nD1/31/2024\nT6.00\n^\n!Type:Memorized\nKC\nT1\n^\n")
    assert found.column("T", "records") == ["5.00", "6.00", "1"]
    assert found.warnings.count("is not known") == 1
    assert "!Type:Banq" in found.warnings
