"""Account statements: exact amounts and dates, balances compared, details taken apart, bad statements set aside."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.mt940 import Mt940Format, Mt940Options
from finport_ingestion.engine.convert.interface import BadRecord, Batch, Head, RawFile
from finport_ingestion.engine.convert.reading import swift_statement_file
from finport_ingestion.engine.errors import FormatError

STATEMENT = """:20:STARTUMS
:25:12345678/0001020304
:28C:00012/001
:60F:C240228EUR1000,00
:61:2402290301DR100,50NTRFCUST1//BANK1
More about it
:86:free text
of two lines
:61:240229C0,5NMSCNONREF
:62F:C240229EUR900,00
:64:C240301EUR900,
:86:about the statement
-
"""


def raw(folder: Path, content: bytes | str, **more: Any) -> RawFile:
    path = folder / "statements"
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(content)
    return RawFile(path=UPath(path), uri="landing/statements", size_bytes=len(content), **more)


def batches(folder: Path, content: bytes | str, **options: Any) -> list[Batch]:
    reader = Mt940Format(Mt940Options.model_validate({"format": "mt940", **options}))
    return list(reader.read(raw(folder, content)))


def rows(found: list[Batch], table: str = "transactions") -> list[dict[str, Any]]:
    return [row for batch in found if batch.table == table for row in batch.columns.to_pylist()]


def bad(found: list[Batch]) -> list[BadRecord]:
    return [record for batch in found for record in batch.bad]


def warnings(found: list[Batch]) -> str:
    return "\n".join(text for batch in found for text in batch.warnings)


def numbers(found: list[Batch], table: str) -> list[int]:
    return [number for batch in found if batch.table == table for number in batch.rows.to_pylist()]


def with_line(line: str, details: str | None = None) -> str:
    told = "" if details is None else f":86:{details}\n"
    return f":20:A\n:25:ACC\n:28C:1/1\n:60F:C240101EUR0,\n:61:{line}\n{told}:62F:C240101EUR0,\n-\n"


def only(found: list[Batch]) -> dict[str, Any]:
    [row] = rows(found)
    return row


def test_a_statement_and_its_transactions_are_two_tables(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT)
    [statement] = rows(found, "statements")
    first, second = rows(found)
    assert {name: value for name, value in statement.items() if value is not None} == {
        "statement": "1",
        "line": "1",
        "account": "12345678/0001020304",
        "reference": "STARTUMS",
        "statement_number": "00012",
        "sequence_number": "001",
        "opening_mark": "C",
        "opening_date": "2024-02-28",
        "opening_currency": "EUR",
        "opening_balance": "1000.00",
        "closing_mark": "C",
        "closing_date": "2024-02-29",
        "closing_currency": "EUR",
        "closing_balance": "900.00",
        "available_mark": "C",
        "available_date": "2024-03-01",
        "available_currency": "EUR",
        "available_balance": "900",
        "opening_is_intermediate": "false",
        "closing_is_intermediate": "false",
        "transactions": "2",
        "transactions_sum": "-100.00",
        "reconciles": "true",
        "details": "about the statement",
    }
    assert {name: value for name, value in first.items() if value is not None} == {
        "statement": "1",
        "line": "5",
        "account": "12345678/0001020304",
        "position": "1",
        "currency": "EUR",
        "statement_number": "00012",
        "sequence_number": "001",
        "value_date": "2024-02-29",
        "entry_date": "2024-03-01",
        "mark": "D",
        "funds_code": "R",
        "amount": "100.50",
        "signed_amount": "-100.50",
        "type_id": "NTRF",
        "reference": "CUST1",
        "bank_reference": "BANK1",
        "supplementary_details": "More about it",
        "details": "free text\nof two lines",
    }
    assert (second["amount"], second["entry_date"], second["bank_reference"], second["details"]) == (
        *("0.5", None, None, None),
    )
    assert warnings(found) == ""


@pytest.mark.parametrize(
    ("mark", "signed"),
    [("C", "5.00"), ("D", "-5.00"), ("RC", "-5.00"), ("RD", "5.00"), ("EC", "5.00"), ("ED", "-5.00")],
)
def test_a_mark_is_kept_and_gives_the_sign(tmp_path: Path, mark: str, signed: str) -> None:
    row = only(batches(tmp_path, with_line(f"240101{mark}R5,00NTRFX")))
    assert (row["mark"], row["funds_code"], row["amount"], row["signed_amount"]) == (mark, "R", "5.00", signed)


@pytest.mark.parametrize(
    ("value", "entry", "date"),
    [
        ("231231", "0102", "2024-01-02"),
        ("240102", "1231", "2023-12-31"),
        ("240301", "0229", "2024-02-29"),
        ("230301", "0229", "2024-02-29"),
        ("991231", "0101", "2000-01-01"),
    ],
)
def test_an_entry_date_is_of_the_year_nearest_to_the_value_date(
    tmp_path: Path, value: str, entry: str, date: str
) -> None:
    assert only(batches(tmp_path, with_line(f"{value}{entry}C5,NTRFX")))["entry_date"] == date


@pytest.mark.parametrize(
    ("line", "amount", "type_id", "reference"),
    [
        ("240101C000000001234,56NOV NONREF", "1234.56", "NOV ", "NONREF"),
        ("240101C12345678901234,NTRFa/b", "12345678901234", "NTRF", "a/b"),
        ("240101D0,NSTON", "0", "NSTO", "N"),
        ("240101D5,00S103", "5.00", "S103", ""),
        ("240101D12,35 NRTIKREF+", "12.35", "NRTI", "KREF+"),
    ],
)
def test_odd_but_readable_lines_are_read(tmp_path: Path, line: str, amount: str, type_id: str, reference: str) -> None:
    row = only(batches(tmp_path, with_line(line)))
    assert (row["amount"], row["type_id"], row["reference"]) == (amount, type_id, reference)


@pytest.mark.parametrize(
    ("damage", "rule", "tag", "line"),
    [
        (("240229C0,5", "240230C0,5"), "value_date", "61", 9),
        (("2402290301", "2402291301"), "entry_date", "61", 5),
        (("DR100,50", "DR100.50"), "transaction", "61", 5),
        (("DR100,50", "XX100,50"), "transaction", "61", 5),
        (("C240229EUR900,00", "C240229EUR9OO,00"), "balance", "62F", 10),
        (("C240228EUR", "C240230EUR"), "balance", "60F", 4),
        ((":25:12345678/0001020304\n", ""), "account", "20", 1),
    ],
)
def test_a_statement_that_cannot_be_read_is_set_aside_alone(
    tmp_path: Path, damage: tuple[str, str], rule: str, tag: str, line: int
) -> None:
    broken = STATEMENT.replace(*damage)
    found = batches(tmp_path, STATEMENT + broken + STATEMENT)
    [record] = bad(found)
    assert (record.rule, record.row, record.table) == (rule, 3, "transactions")
    at = len(STATEMENT) + broken.index(broken.splitlines(keepends=True)[line - 1])
    assert record.reason.startswith(f"line {13 + line}, byte {at}, tag :{tag}:: ")
    assert record.text.startswith(":20:STARTUMS")
    assert "NONREF" in record.text
    assert numbers(found, "transactions") == [1, 2, 5, 6]
    assert numbers(found, "statements") == [1, 3]


def test_a_closing_balance_that_does_not_follow_is_told_with_its_figures(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT.replace("EUR900,00", "EUR899,99"))
    assert rows(found, "statements")[0]["reconciles"] == "false"
    assert "1000.00 and transactions of -100.00 make 900.00, but the closing balance is 899.99 EUR" in warnings(found)


def test_pages_are_compared_one_with_the_next(tmp_path: Path) -> None:
    first = STATEMENT.replace(":62F:", ":62M:")
    second = STATEMENT.replace(":60F:C240228EUR1000,00", ":60M:C240229EUR900,00").replace(
        "28C:00012/001", "28C:00012/002"
    )
    second = second.replace("62F:C240229EUR900,00", "62F:C240229EUR800,00")
    found = batches(tmp_path, first + second)
    assert warnings(found) == ""
    assert [row["closing_is_intermediate"] for row in rows(found, "statements")] == ["true", "false"]
    found = batches(tmp_path, first + second.replace("EUR900,00", "EUR901,00", 1))
    assert "opens with 901.00, but the page before closes with 900.00" in warnings(found)


def test_totals_of_an_interim_report_are_compared(tmp_path: Path) -> None:
    report = (
        ":20:A\n:25:ACC\n:28C:1\n:34F:EURD10,\n:34F:EURC20,5\n:13D:2401011200+0100\n"
        ":61:240101D5,NTRFX\n:61:240101C7,5NTRFX\n:90D:1EUR5,\n:90C:1EUR7,50\n-\n"
    )
    found = batches(tmp_path, report)
    [row] = rows(found, "statements")
    assert (row["floor_limit_debit"], row["floor_limit_credit"], row["created"]) == ("10", "20.5", "2401011200+0100")
    assert (row["debit_entries"], row["debit_sum"], row["credit_sum"]) == ("1", "5", "7.50")
    assert [row["currency"] for row in rows(found)] == ["EUR", "EUR"]
    assert warnings(found) == ""
    assert "states 2 debit entries of 5, but holds others" in warnings(
        batches(tmp_path, report.replace("1EUR5", "2EUR5"))
    )


def test_fields_without_a_column_and_fields_that_come_twice_are_kept(tmp_path: Path) -> None:
    content = STATEMENT.replace(":28C:", ":NS:22Name\n19X\n:25:other\n:28C:").replace(":62F", ":79A:x\n:62F")
    found = batches(tmp_path, content)
    [statement] = rows(found, "statements")
    assert json.loads(statement["other_fields"]) == [
        {"line": 3, "tag": "NS", "value": "22Name\n19X"},
        {"line": 5, "tag": "25", "value": "other"},
        {"line": 13, "tag": "79A", "value": "x"},
    ]
    assert "has :25: more than once" in warnings(found)


def test_many_bad_statements_cost_no_more_than_good_ones(tmp_path: Path) -> None:
    found = batches(tmp_path, ":20:A\n:62F:nothing\n" * 50_000)
    assert len(bad(found)) == 50_000
    assert bad(found)[-1].reason.startswith("line 99999, byte ")


@pytest.mark.parametrize("amount", ["9" * 40, "1," + "9" * 40])
def test_an_amount_that_no_decimal_holds_sets_its_statement_aside(tmp_path: Path, amount: str) -> None:
    found = batches(tmp_path, with_line(f"240101C{amount}NTRFX"))
    assert [record.rule for record in bad(found)] == ["transaction"]


def test_forward_balances_are_listed(tmp_path: Path) -> None:
    content = STATEMENT.replace(":86:about", ":65:C240302EUR1,5\n:65:D240303EUR2,\n:86:about")
    [statement] = rows(batches(tmp_path, content), "statements")
    assert json.loads(statement["forward_balances"]) == [
        {"date": "2024-03-02", "currency": "EUR", "balance": "1.5"},
        {"date": "2024-03-03", "currency": "EUR", "balance": "-2"},
    ]


def test_headers_and_trailers_of_fin_blocks_are_kept(tmp_path: Path) -> None:
    block = "{1:F01BANKDEFFAXXX0000000000}{2:I940BANKDEFFXXXXN}{4:\n"
    content = block + STATEMENT.removesuffix("-\n") + "-}{5:{CHK:ABC}}\n$\n" + block + STATEMENT
    first, second = rows(batches(tmp_path, content), "statements")
    assert first["message_type"] == second["message_type"] == "940"
    assert first["header"] == second["header"] == block.strip()
    assert (first["trailer"], second["trailer"]) == ("{5:{CHK:ABC}}", None)
    assert first["details"] == second["details"] == "about the statement"


def test_a_time_that_was_cut_within_details_begins_no_field(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT.replace("of two lines", "at 2024-02-29T16\n:26:37 Ref\n:12:x"))
    assert rows(found)[0]["details"] == "free text\nat 2024-02-29T16\n:26:37 Ref\n:12:x"
    assert rows(found, "statements")[0]["other_fields"] is None


def test_a_dash_within_a_statement_ends_nothing(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT.replace("of two lines", "-\nof two lines"))
    assert rows(found)[0]["details"] == "free text\n-\nof two lines"
    assert len(rows(found)) == 2


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_any_kind_give_the_same(tmp_path: Path, line_end: str) -> None:
    expected = batches(tmp_path, STATEMENT * 2)
    content = (STATEMENT * 2).replace("\n", line_end)
    found = batches(tmp_path, content)
    assert rows(found) == rows(expected)
    assert rows(found, "statements") == rows(expected, "statements")
    [record] = bad(batches(tmp_path, content.replace("C0,5", "C0.5", 1)))
    assert f"byte {content.index(':61:240229C')}, " in record.reason


DETAILS = {
    "166?00GUTSCHRIFT?100399?20EREF+E2E 1?21KREF+K1?22MREF+M1?23CRED+C1?24SVWZ+Rech\nnung 1+2?25 von heute"
    "?30BANKDEFF?31DE4210?32Max?33 Muster?34000": {
        "details_structure": "subfields",
        "transaction_code": "166",
        "posting_text": "GUTSCHRIFT",
        "prima_nota": "0399",
        "counterparty_bank": "BANKDEFF",
        "counterparty_account": "DE4210",
        "counterparty_name": "Max Muster",
        "text_key_addition": "000",
        "end_to_end_reference": "E2E 1",
        "customer_payment_reference": "K1",
        "mandate_reference": "M1",
        "creditor_id": "C1",
        "remittance": "Rechnung 1+2 von heute",
        "purpose": "EREF+E2E 1\nKREF+K1\nMREF+M1\nCRED+C1\nSVWZ+Rechnung 1+2\n von heute",
    },
    "020~00VE02~20Tytul~21 dalej~32JAN~33 KOWALSKI~38PL61109": {
        "details_structure": "subfields",
        "transaction_code": "020",
        "posting_text": "VE02",
        "purpose": "Tytul\n dalej",
        "counterparty_name": "JAN KOWALSKI",
        "counterparty_account": "PL61109",
    },
    "/TRTP/SEPA/IBAN/NL91ABNA/BIC/ABNANL2A/NAME/J. Jansen/REMI/Factuur a/b 1/EREF/E1": {
        "details_structure": "code_words",
        "counterparty_account": "NL91ABNA",
        "counterparty_bank": "ABNANL2A",
        "counterparty_name": "J. Jansen",
        "remittance": "Factuur a/b 1",
        "end_to_end_reference": "E1",
    },
    "/EREF/E2//CNTP/NL20INGB/INGBNL2A/Firma///REMI/USTD//Text/": {
        "details_structure": "code_words",
        "counterparty_account": "NL20INGB",
        "counterparty_bank": "INGBNL2A",
        "counterparty_name": "Firma",
        "remittance": "Text",
        "end_to_end_reference": "E2/",
    },
    "999PN5477SCHECK-NR. 1? really": {},
}


@pytest.mark.parametrize("text", DETAILS)
def test_structured_details_are_taken_apart_and_kept_as_delivered(tmp_path: Path, text: str) -> None:
    row = only(batches(tmp_path, with_line("240101C0,NTRFX", text)))
    assert row["details"] == text
    from finport_ingestion.engine.convert.reading.swift_details import COLUMNS

    names = ("details_structure", *COLUMNS)
    assert {name: row[name] for name in names if row[name] is not None} == DETAILS[text]
    assert (row["details_parts"] is None) == (not DETAILS[text])


def test_the_encoding_that_is_stated_is_believed(tmp_path: Path) -> None:
    content = with_line("240101C0,NTRFX", "zażółć").encode("cp852")
    assert only(batches(tmp_path, content, encoding="cp852"))["details"] == "zażółć"


def test_bytes_that_are_no_text_cost_their_statement_only(tmp_path: Path) -> None:
    content = STATEMENT.encode() + STATEMENT.encode().replace(b"free", b"fr\xffe") + STATEMENT.encode()
    found = batches(tmp_path, content, encoding="utf-8")
    assert [record.rule for record in bad(found)] == ["encoding"]
    assert numbers(found, "statements") == [1, 3]


def test_pieces_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "ABNANL2A\n940\nABNANL2A\n".join(["", *[STATEMENT] * 20, STATEMENT.replace("C0,5", "C0.5")])
    whole = batches(tmp_path, content.replace("\n", "\r\n"))
    for size in (64, 101, 333, 1_000):
        monkeypatch.setattr(swift_statement_file, "_CHUNK_BYTES", size)
        pieces = batches(tmp_path, content.replace("\n", "\r\n"))
        assert rows(pieces) == rows(whole)
        assert rows(pieces, "statements") == rows(whole, "statements")
        assert bad(pieces) == bad(whole)
    assert rows(whole, "statements")[0]["message_type"] == "940"


def test_what_is_set_aside_is_told_with_the_table_that_is_wanted(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT + STATEMENT.replace("C0,5", "C0.5"), table="statements")
    assert [(record.table, record.row) for record in bad(found)] == [("statements", 2)]


def test_a_cut_file_says_that_its_last_statement_has_no_closing_balance(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT + STATEMENT[: STATEMENT.index(":62F")])
    assert "has no closing balance" in warnings(found)


def test_columns_do_not_depend_on_what_a_file_holds(tmp_path: Path) -> None:
    reader = Mt940Format(Mt940Options(format="mt940"))
    empty = list(reader.read(raw(tmp_path, b"", may_be_empty=True)))
    full = batches(tmp_path, STATEMENT)
    for table in ("statements", "transactions"):
        schemas = {str(batch.columns.schema) for batch in (*empty, *full) if batch.table == table}
        assert len(schemas) == 1
    assert full[0].types["opening_balance"] == "decimal(18,2)"


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"<html></html>", bytes(256) * 4, b"\x1f\x8b\x08\x00", b"%PDF"]
)
def test_what_holds_no_statement_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FormatError, match="landing/statements: ") as caught:
        batches(tmp_path, content)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        (STATEMENT, 0.98),
        ("{1:F01X}{2:I940BANKDEFFXXXXN}{4:\n" + STATEMENT, 1.0),
        ("{1:F01X}{2:I103BANKDEFFXXXXN}{4:\n:20:X\n-}{1:F01X}{2:I940BANKDEFFXXXXN}{4:\n" + STATEMENT, 0.5),
        (STATEMENT.replace("\n", "\r"), 0.98),
        ("id,name\n1,x\n", None),
        (":20:REF\n:32A:240101EUR1,\n", None),
    ],
)
def test_statements_are_recognised(text: str, confidence: float | None) -> None:
    likeness = Mt940Format.recognises(Head(content=text.encode(), text=text, whole=True))
    assert (likeness.confidence if likeness else None) == confidence


@pytest.mark.parametrize("end", [":62F:C240229EUR900,00\n", ":64:C240301EUR900,\n", ""])
def test_a_statement_that_ends_without_its_line_or_a_mark_is_told(tmp_path: Path, end: str) -> None:
    cut = STATEMENT[: STATEMENT.index(end) + len(end)] if end else STATEMENT
    assert "no mark (-) ends the last statement" not in warnings(batches(tmp_path, cut))
    assert "no mark (-) ends the last statement" in warnings(
        batches(tmp_path, STATEMENT[: STATEMENT.index("900,00") + 4])
    )


def test_a_statement_without_balances_is_told_unless_it_is_an_interim_report(tmp_path: Path) -> None:
    bare = ":20:A\n:25:ACC\n:28C:1/1\n:61:240101C1,NMSCNONREF\n-\n"
    assert "has neither a balance" in warnings(batches(tmp_path, bare))
    assert warnings(batches(tmp_path, bare.replace(":61:", ":34F:EUR0,\n:61:"))) == ""


def test_samples_are_transactions_of_the_file(tmp_path: Path) -> None:
    reader = Mt940Format(Mt940Options(format="mt940"))
    found = list(reader.sample(raw(tmp_path, STATEMENT * 500), size_bytes=4_096))
    assert 20 < len(rows(found)) < 200
    assert {row["type_id"] for row in rows(found)} == {"NTRF", "NMSC"}


CENTS = st.integers(0, 10**14 - 1)
TEXT = st.text("ABCxyz0123456789/-?:().,'+ ", max_size=40).filter(lambda text: not text.startswith((":", "-")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(st.sampled_from(["C", "D", "RC", "RD"]), CENTS, TEXT), max_size=8),
    opening=st.integers(0, 10**12),
)
def test_what_is_written_is_read_and_reconciles(
    tmp_path: Path, lines: list[tuple[str, int, str]], opening: int
) -> None:
    signs = {"C": 1, "RD": 1, "D": -1, "RC": -1}
    closing = opening + sum(signs[mark] * cents for mark, cents, _ in lines)
    parts = [f":20:X\n:25:A\n:28C:1\n:60F:C240101EUR{spelled(opening)}\n"]
    parts += [f":61:240101{mark}{spelled(cents)}NTRFR\n:86:{text}\n" for mark, cents, text in lines]
    parts.append(f":62F:{'D' if closing < 0 else 'C'}240101EUR{spelled(abs(closing))}\n-\n")
    found = batches(tmp_path, "".join(parts))
    assert warnings(found) == ""
    assert rows(found, "statements")[0]["reconciles"] == "true"
    assert [(row["mark"], Decimal(row["signed_amount"]), row["details"]) for row in rows(found)] == [
        (mark, signs[mark] * Decimal(cents).scaleb(-2), text) for mark, cents, text in lines
    ]


def spelled(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2 * len(STATEMENT)), junk=st.binary(max_size=10), size=st.integers(0, 40))
def test_damage_is_a_finding_and_never_a_crash(tmp_path: Path, place: int, junk: bytes, size: int) -> None:
    content = (STATEMENT * 2).encode()
    content = content[:place] + junk + content[place + size :]
    try:
        found = batches(tmp_path, content)
    except FormatError:
        return
    assert rows(found, "statements") or bad(found)


def test_a_balance_may_leave_its_currency_to_the_other_one(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT.replace("EUR900,00\n:64", "900,00\n:64"))
    assert not bad(found)
    [statement] = rows(found, "statements")
    assert (statement["closing_balance"], statement["closing_currency"]) == ("900.00", None)
    assert statement["reconciles"] == "true"
    assert [row["currency"] for row in rows(found)] == ["EUR", "EUR"]
    assert "has a balance without a currency" in warnings(found)


@pytest.mark.parametrize("cut", [":20:30 more", ":21:59", ":25:11+01:00 x", ":28:07?21EREF+1", ":26:37"])
def test_a_time_of_day_that_is_cut_before_its_minutes_stays_in_the_details(tmp_path: Path, cut: str) -> None:
    found = batches(tmp_path, STATEMENT.replace("of two lines", f"on 2024-02-29T16\n{cut}") * 2)
    assert not bad(found)
    assert not warnings(found)
    assert [row["details"] for row in rows(found)][::2] == [f"free text\non 2024-02-29T16\n{cut}"] * 2


def test_a_reference_like_minutes_begins_a_statement_without_a_mark_before_it(tmp_path: Path) -> None:
    text = STATEMENT.removesuffix("-\n").replace("STARTUMS", "30/1")
    found = batches(tmp_path, text * 2)
    assert [row["reference"] for row in rows(found, "statements")] == ["30/1", "30/1"]
    assert [row["details"] for row in rows(found, "statements")] == ["about the statement"] * 2


def test_lines_that_end_with_two_returns_are_lines(tmp_path: Path) -> None:
    found = batches(tmp_path, STATEMENT.replace("\n", "\r\r\n"))
    assert not bad(found)
    assert rows(found) == rows(batches(tmp_path, STATEMENT))
