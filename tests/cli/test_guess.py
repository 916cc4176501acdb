"""`finport guess`: the document that it writes is valid, and reads its file as it was read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.converting import STATEMENT, TRADES, Desk

_SEMICOLONS = "isin;price;quantity\nDE0007164600;1.234,50;1.000\nDE0007236101;-12,75;2.500\n"
_NO_HEADER = "".join(f"{number:04d}|{number}.50|2026-01-{number:02d}\n" for number in range(1, 20))
_MARKS = 'id,amount,rate\na,"$1,200.50",5.5%\nb,$1.25,6%\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project without documents; the current folder."""
    (tmp_path / "include" / "configs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def nested() -> bytes:
    out = io.BytesIO()
    rows = [{"id": 1, "legs": [{"currency": "EUR"}]}, {"id": 2, "legs": []}]
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trades.csv", TRADES),
        ("1-umlauts.csv", "Name,Ort\nMüller,Köln\nGroß,Düren\n".encode("cp1252")),
        ("semicolons.csv", _SEMICOLONS),
        ("positions.psv", _NO_HEADER),
        ("marks.csv", _MARKS),
        ("names.csv", 'no,12:30,1e3,"a ${b}","x, y: z"\n1,2,3,4,5\n'),
        ("statement.sta", STATEMENT),
        ("rates.ndjson", '{"pair": "EURUSD", "rate": 1.0842, "tags": ["a"]}\n'),
        ("nested.parquet", nested()),
    ],
)
def test_the_document_is_valid_and_gives_the_same_schema(desk: Desk, name: str, content: str | bytes) -> None:
    desk.put(name, content)
    before = desk.report(name, "--out", "before")["tables"]
    document = "include/configs/formats/guessed.yaml"
    desk.put(document, desk.told("guess", name))
    desk.told("validate")
    after = desk.report(name, "--out", "after", "--format", document)
    (table,) = after["tables"]
    expected = max(before, key=lambda table: int(table["rows"]))
    types = [(column["name"], column["type"]) for column in expected["columns"]]
    if name != "semicolons.csv":  # with the comma stated, more columns are numbers
        assert [(column["name"], column["type"]) for column in table["columns"]] == types
    assert (table["rows"], table["quarantined"]) == (expected["rows"], 0)


def test_the_dialect_is_stated(desk: Desk) -> None:
    desk.put("umlauts.csv", "Name;Ort\nMüller;Köln\nGroß;Düren\n".encode("cp1252"))
    told = desk.told("guess", "umlauts.csv")
    assert 'delimiter: ";"' in told
    assert "    encoding: cp125" in told


def test_a_file_without_header_gets_names_to_change(desk: Desk) -> None:
    desk.put("positions.psv", _NO_HEADER)
    told = desk.told("guess", "positions.psv")
    assert "    header: false\n    columns: [column_1, column_2, column_3]\n" in told


def test_decimal_commas_are_stated_where_they_make_the_numbers(desk: Desk) -> None:
    desk.put("semicolons.csv", _SEMICOLONS)
    told = desk.told("guess", "semicolons.csv")
    assert "    decimalComma: true\n" in told
    assert '    - {name: price, type: "decimal(18,2)"}\n' in told
    assert "    - {name: quantity, type: integer}\n" in told


def test_decimal_commas_that_the_format_cannot_state_leave_their_column_to_be_found_out(desk: Desk) -> None:
    desk.put("both.csv", "price;ratio\n1,5;2.5\n2,25;3.25\n")
    told = desk.told("guess", "both.csv")
    assert "decimalComma" not in told
    assert '    # - {name: price, type: "decimal(18,2)"}  # is found out' in told
    assert '    - {name: ratio, type: "decimal(18,2)"}\n' in told


def test_marks_are_stated_with_their_column(desk: Desk) -> None:
    desk.put("marks.csv", _MARKS)
    document = "include/configs/formats/marks.yaml"
    told = desk.told("guess", "marks.csv")
    desk.put(document, told)
    assert '    - {name: amount, type: "decimal(18,2)", mark: "$"}  # currency $\n' in told
    assert '    - {name: rate, type: "decimal(18,1)", mark: "%"}  # percent\n' in told
    desk.put("next.csv", 'id,amount,rate\nc,"$7,000.25",7.5%\nd,€9.00,8%\ne,$9.00,0.08\n')
    report = desk.report("next.csv", "--out", "out", "--format", document)
    assert (report["tables"][0]["rows"], report["tables"][0]["quarantined"]) == (1, 2)
    assert [column["label"] for column in report["tables"][0]["columns"]][1:] == ["currency $", "percent"]


def test_an_enumeration_is_told_and_refuses_nobody(desk: Desk) -> None:
    desk.put("sides.csv", "n,side,note\n" + "".join(f"{n},{'BUY' if n % 3 else 'SELL'},x{n}\n" for n in range(30)))
    document = "include/configs/formats/sides.yaml"
    told = desk.told("guess", "sides.csv")
    desk.put(document, told)
    assert "    - {name: side, type: text}  # enumeration; add allowed: [BUY, SELL] to set others aside\n" in told
    assert "    - {name: note, type: text}\n" in told
    desk.put("next.csv", "n,side,note\n1,SHORT,x\n")
    assert desk.report("next.csv", "--out", "out", "--format", document)["outcome"] == "ok"


def test_a_mark_for_no_value_is_told_of_an_enumeration_too(desk: Desk) -> None:
    desk.put("flags.csv", "n,flag\n" + "".join(f"{n},{n % 3 or '?'}\n" for n in range(60)))
    assert '    # nullValues: ["", "?"]  # if that means "no value": columns flag\n' in desk.told("guess", "flags.csv")


def test_what_only_a_person_can_know_stands_in_comments(desk: Desk) -> None:
    desk.put("a.csv", "id,traded,amount\n1,01/02/2026,N/A\n2,03/04/2026,2.50\n")
    told = desk.told("guess", "a.csv")
    assert "    # dateOrder: dmy  # or mdy, as the sender says: column traded\n" in told
    assert '    # nullValues: ["", "N/A"]  # if that means "no value": columns amount\n' in told
    assert "    - {name: traded, type: text}  # ambiguous date\n" in told


def test_columns_that_no_contract_reads_alike_are_left_to_be_found_out(desk: Desk) -> None:
    desk.put("nested.parquet", nested())
    told = desk.told("guess", "nested.parquet")
    assert "    - {name: id, type: integer}\n" in told
    assert "    # - {name: legs, type: " in told


def test_one_table_of_several(desk: Desk) -> None:
    desk.put("statement.sta", STATEMENT)
    assert "    table: statements\n" in desk.told("guess", "statement.sta", "--table", "statements")
    assert "name one of statements, transactions" in desk.told("guess", "statement.sta", "--table", "x", code=1)


def test_a_file_is_written_and_never_over_another(desk: Desk) -> None:
    desk.put("a.csv", TRADES)
    assert "wrote a.yaml" in desk.told("guess", "a.csv", "--out", "a.yaml")
    assert (desk.folder / "a.yaml").read_text().startswith("# Guessed by finport from a.csv: all 2 records are so.")
    assert "is there already" in desk.told("guess", "a.csv", "--out", "a.yaml", code=1)
    assert "there is no folder new" in desk.told("guess", "a.csv", "--out", "new/a.yaml", code=1)


def test_what_cannot_be_read_is_refused(desk: Desk) -> None:
    assert "there is no file nothing.csv" in desk.told("guess", "nothing.csv", code=2)
    desk.put("a.parquet", b"PAR1 and no more")
    assert desk.told("guess", "a.parquet", code=1).startswith("Error: a.parquet: ")
    with zipfile.ZipFile(desk.folder / "two.zip", "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.writestr(name, TRADES)
    assert "holds 2 files" in desk.told("guess", "two.zip", code=1)
