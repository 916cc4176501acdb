"""`finport convert`: files to typed tables, and what a person and a program are told of them."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow.orc as orc
import pytest
import pyzipper

from tests.cli.converting import BROKEN, FIXED, LAYOUT, STATEMENT, TRADES, Desk

_KEYS = ["path", "outcome", "format", "encoding", "compression", "confidence", "tables", "warnings", "error"]
_KEYS += ["seconds", "bytes", "peak_memory_bytes"]
_OPEN = '{"conn_type": "generic", "password": "open sesame"}'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder outside of any project; the current one."""
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def test_a_folder_of_mixed_files_is_a_table_that_a_person_understands(desk: Desk) -> None:
    told = desk.told("convert", desk.put_mixed(), "--out", "out", code=1).splitlines()
    table = [line.split() for line in told[: told.index("")]]
    assert table[0][:7] == ["FILE", "FORMAT", "TABLE", "ROWS", "QUARANTINED", "OUTCOME", "COLUMNS"]
    assert [row[:4] for row in table[1:]] == [
        ["archive/trades.csv.gz", "csv", "(gzip)", "2"],
        ["bank/statement.sta", "mt940", "statements", "1"],
        ["transactions", "1", table[3][2], table[3][3]],
        ["cut.parquet", "parquet", "refused"],
        ["prices.csv", "csv", "2", "1"],
        ["rates.ndjson", "ndjson", "2", "ok"],
        ["trades.csv", "csv", "2", "ok"],
    ]
    (total,) = (line for line in told if line.startswith("6 files in "))
    assert total.endswith(" s: 5 converted, 1 refused; 10 rows in out, 1 quarantined")


def test_what_needs_attention_stands_below_the_table_once_and_by_file(desk: Desk) -> None:
    told = desk.told("convert", desk.put_mixed(), "--out", "out", code=1)
    lines = told.splitlines()
    below = lines[lines.index("prices.csv") :]
    assert (
        below[1]
        == "  warning: records that are set aside: 1; the first: line 3, byte 29: 3 fields where 2 are expected"
    )
    assert below[2] == "  they lie in out/prices.csv/_quarantine/table/part-00000.parquet"
    (refused,) = (line for line in lines if line.startswith("Error: "))
    assert refused.startswith("Error: cut.parquet: ")
    assert lines[lines.index(refused) + 1].startswith("Fix: ")
    assert str(desk.folder) not in told


def test_each_input_is_reported_as_one_object(desk: Desk) -> None:
    reports = desk.reports(desk.put_mixed(), "--out", "out", code=1)
    assert [Path(report["path"]).name for report in reports] == [
        "trades.csv.gz",
        "statement.sta",
        "cut.parquet",
        "prices.csv",
        "rates.ndjson",
        "trades.csv",
    ]
    assert all(set(report) == {*_KEYS, "notes", "drift"} for report in reports)
    outcomes = [report["outcome"] for report in reports]
    assert outcomes == ["ok", "ok", "refused", "quarantined_rows", "ok", "ok"]


def test_a_report_has_all_that_a_program_asks_for(desk: Desk) -> None:
    desk.put("trades.csv", "\ufeff" + TRADES)
    report = desk.report("trades.csv", "--out", "out")
    assert report["path"] == "trades.csv"
    assert (report["outcome"], report["error"], report["warnings"]) == ("ok", None, [])
    assert (report["format"], report["encoding"], report["compression"]) == ("csv", "utf-8", None)
    assert 0.8 <= report["confidence"] <= 1
    assert report["bytes"] == (desk.folder / "trades.csv").stat().st_size
    assert report["seconds"] > 0
    assert report["peak_memory_bytes"] > 1 << 20
    (table,) = report["tables"]
    assert {key: table[key] for key in ("name", "rows", "quarantined")} == {
        "name": "table",
        "rows": 2,
        "quarantined": 0,
    }
    assert table["columns"] == [
        {"name": "trade_id", "type": "identifier", "label": "identifier"},
        {"name": "cusip", "type": "identifier", "label": "cusip"},
        {"name": "quantity", "type": "integer", "label": None},
        {"name": "price", "type": "decimal(18,2)", "label": None},
        {"name": "traded_on", "type": "date", "label": None},
    ]
    (part,) = table["parts"]
    written = desk.folder / part["path"]
    assert part == {"path": "out/trades.csv/table/part-00000.parquet", "rows": 2, "bytes": written.stat().st_size}


def test_values_are_exact(desk: Desk) -> None:
    desk.put("trades.csv", TRADES)
    desk.report("trades.csv", "--out", "out")
    assert desk.table("trades.csv/table/part-00000.parquet").to_pylist()[0] == {
        "trade_id": "1",
        "cusip": "037833100",
        "quantity": 100,
        "price": Decimal("243.85"),
        "traded_on": date(2026, 1, 2),
    }


def test_standard_input(desk: Desk) -> None:
    report = desk.report("-", "--out", "out", stdin=TRADES.encode())
    assert (report["path"], report["format"], report["tables"][0]["rows"]) == ("stdin", "csv", 2)
    assert desk.written() == ["stdin/table/part-00000.parquet"]


def test_avro_json_lines_and_orc(desk: Desk) -> None:
    desk.put("trades.csv", TRADES)
    for name in ("avro", "jsonl", "orc"):
        assert desk.report("trades.csv", "--out", name, "--to", name)["tables"][0]["rows"] == 2
        assert desk.written(name) == [f"trades.csv/table/part-00000.{name}"]
    folder = "trades.csv/table/part-00000"
    with (desk.folder / f"avro/{folder}.avro").open("rb") as file:
        rows = list(fastavro.reader(file))
    lines = [json.loads(line) for line in (desk.folder / f"jsonl/{folder}.jsonl").read_text().splitlines()]
    assert rows[0]["price"] == Decimal("243.85")
    assert [row["cusip"] for row in rows] == [line["cusip"] for line in lines] == ["037833100", "00206R102"]
    assert orc.read_table(desk.folder / f"orc/{folder}.orc").column("cusip").to_pylist() == ["037833100", "00206R102"]


def test_a_layout_as_options(desk: Desk) -> None:
    desk.put("positions.txt", FIXED)
    report = desk.report("positions.txt", "--out", "out", "--options", json.dumps(LAYOUT))
    types = [column["type"] for column in report["tables"][0]["columns"]]
    assert (report["format"], types) == ("fixed_width", ["identifier", "decimal(18,2)", "date"])
    assert desk.table("positions.txt/table/part-00000.parquet").column("account").to_pylist() == ["001234", "000099"]


def test_a_format_document_of_the_project_by_its_name(desk: Desk) -> None:
    desk.put(
        "include/configs/formats/positions.yaml",
        "apiVersion: finport.io/v1\nkind: Format\nmetadata: {name: positions}\nspec:\n  description: d\n  owner: o\n"
        f"  convert: {json.dumps(LAYOUT)}\n  contract: {{columns: [{{name: account, type: text}}]}}\n",
    )
    desk.put("positions.txt", FIXED)
    report = desk.report("positions.txt", "--out", "out", "--format", "positions")
    assert report["tables"][0]["columns"][0] == {"name": "account", "type": "text", "label": None}
    assert "did you mean 'positions'?" in desk.told(
        "convert", "positions.txt", "--out", "out", "--format", "position", code=2
    )


def test_a_file_that_holds_a_format_document_outside_of_any_project(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.put(
        "mine.yaml",
        "apiVersion: finport.io/v1\nkind: Format\nmetadata: {name: mine}\nspec:\n  description: d\n  owner: o\n"
        '  convert: {format: csv, encoding: "${CODE_PAGE}", header: false, columns: [city, amount]}\n',
    )
    desk.put("a.txt", "Z\xdcRICH,1.5\nGEN\xc8VE,2.5\n".encode("cp850"))
    monkeypatch.setenv("CODE_PAGE", "cp850")
    (table,) = desk.report("a.txt", "--out", "out", "--format", "mine.yaml")["tables"]
    assert [(column["name"], column["type"]) for column in table["columns"]] == [
        ("city", "text"),
        ("amount", "decimal(18,1)"),
    ]
    assert desk.table("a.txt/table/part-00000.parquet").column("city").to_pylist() == ["ZÜRICH", "GENÈVE"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.csv"], "there is no file or folder nothing.csv"),
        (["a.csv", "--options", "{"], "--options is no JSON"),
        (["a.csv", "--options", '{"delimiter": ";"}'], "--options names no format"),
        (["a.csv", "--options", '{"format": "csv", "delimter": ";"}'], "--options: delimter"),
        (["a.csv", "--options", '{"format": "cvs"}'], "did you mean 'csv'?"),
        (["a.csv", "--options", '{"format": "csv"}', "--format", "x"], "say the same thing twice"),
        (["a.csv", "--format", "nothing.yaml"], "nothing.yaml cannot be read"),
        (["a.csv", "--format", "wrong.yaml"], "wrong.yaml:1:1"),
        (["a.csv", "--format", "csv-default"], "include/configs"),
        (["a.csv", "--options", "[]"], "--options is no JSON object"),
        (["a.csv", "--limits", '{"recordBytes": 0}'], "--limits: recordBytes: Input should be greater than 0"),
        (["a.csv", "--to", "xlsx"], "--to"),
        (["a.csv", "--max-error-share", "2"], "--max-error-share"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_written(desk: Desk, arguments: list[str], told: str) -> None:
    desk.put("a.csv", "a,b\n1,2\n")
    desk.put("wrong.yaml", "kind: Format\n")
    assert told in desk.told("convert", *arguments, "--out", "out", code=2)
    assert not (desk.folder / "out").exists()


def test_records_that_cannot_be_read_lie_in_quarantine_with_text_and_place(desk: Desk) -> None:
    desk.put("prices.csv", BROKEN)
    report = desk.report("prices.csv", "--out", "out")
    assert (report["outcome"], report["tables"][0]["quarantined"]) == ("quarantined_rows", 1)
    (bad,) = desk.table("prices.csv/_quarantine/table/part-00000.parquet").to_pylist()
    assert bad["row"] == 2
    assert json.loads(bad["record"]) == "US5949181045,2.25,surplus"
    assert bad["reason"] == "line 3, byte 29: 3 fields where 2 are expected"


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [(["--max-error-share", "0.4"], False), (["--max-error-share", "0.3"], True), (["--strict"], True)],
)
def test_a_file_with_more_bad_records_than_wanted_is_refused(desk: Desk, arguments: list[str], refused: bool) -> None:
    desk.put("prices.csv", BROKEN)
    report = desk.report("prices.csv", "--out", "out", *arguments, code=int(refused))
    assert (report["outcome"] == "refused") == refused
    assert ("1 of 3 records cannot be read" in (report["error"] or "")) == refused
    assert (desk.written() == []) == refused


def test_a_refused_file_leaves_nothing_and_the_others_go_on(desk: Desk) -> None:
    desk.put("in/a.parquet", b"PAR1 and then nothing that is Parquet PAR1")
    desk.put("in/b.csv", TRADES)
    reports = desk.reports("in", "--out", "out", code=1)
    assert [report["outcome"] for report in reports] == ["refused", "ok"]
    assert reports[0]["error"].startswith("in/a.parquet: ")
    assert desk.left() == ["b.csv"]


def test_an_earlier_conversion_gives_way_but_a_refused_file_leaves_it(desk: Desk) -> None:
    desk.put("a.csv", "a\n1\n2\n")
    desk.report("a.csv", "--out", "out", "--max-file-bytes", "1")
    desk.put("a.csv", "b\n3\n")
    desk.report("a.csv", "--out", "out")
    assert desk.table("a.csv/table/part-00000.parquet").to_pydict() == {"b": [3]}
    desk.put("a.csv", b"PAR1 and no more")
    desk.report("a.csv", "--out", "out", code=1)
    assert desk.written() == ["a.csv/table/part-00000.parquet"]


def test_what_no_conversion_has_written_is_not_replaced(desk: Desk) -> None:
    desk.put("a.csv", TRADES)
    desk.put("out/a.csv/notes.txt", "of great value")
    report = desk.report("a.csv", "--out", "out", code=1)
    assert "notes.txt, which no conversion has written" in report["error"]
    report = desk.report("a.csv", "--out", ".", code=1)
    assert "a.csv is a file" in report["error"]
    assert (desk.folder / "a.csv").read_text() == TRADES
    assert desk.written() == ["a.csv/notes.txt"]


def test_partitions_are_folders(desk: Desk) -> None:
    desk.put("a.csv", "side,number\nbuy,1\nsell,2\nbuy,3\n")
    (table,) = desk.report("a.csv", "--out", "out", "--partition-by", "side")["tables"]
    assert [(part["path"], part["rows"]) for part in table["parts"]] == [
        ("out/a.csv/table/side=buy/part-00000.parquet", 2),
        ("out/a.csv/table/side=sell/part-00000.parquet", 1),
    ]
    assert "there is no column 'colour'" in desk.told(
        "convert", "a.csv", "--out", "out", "--partition-by", "colour", code=1
    )


def test_a_large_table_is_several_files_in_its_order(desk: Desk) -> None:
    with zipfile.ZipFile(desk.folder / "days.zip", "w") as archive:
        for day in range(3):
            archive.writestr(f"{day}.csv", f"day,symbol\n{day},AAPL\n{day},MSFT\n")
    options = '{"format": "csv", "unpack": {"union": true}}'
    more = ["--options", options, "--to", "jsonl", "--max-file-bytes", "1"]
    (table,) = desk.report("days.zip", "--out", "out", *more)["tables"]
    lines = [line for part in table["parts"] for line in (desk.folder / part["path"]).read_text().splitlines()]
    assert [json.loads(line)["day"] for line in lines] == [0, 0, 1, 1, 2, 2]
    assert len(table["parts"]) == 6


def test_limits_are_stated_like_those_of_a_policy(desk: Desk) -> None:
    desk.put("a.zip", _zipped(b"a,b\n" + b"1,2\n" * 20_000_000))
    assert "unpackRatio" in desk.report("a.zip", "--out", "out", code=1)["error"]
    limits = '{"unpackRatio": 5000, "unpackedBytes": 70000000}'
    assert "the limit is 70000000" in desk.report("a.zip", "--out", "out", "--limits", limits, code=1)["error"]


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return out.getvalue()


def test_a_locked_archive_opens_with_the_password_of_a_connection(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pyzipper.AESZipFile(desk.folder / "locked.zip", "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"open sesame")
        archive.writestr("trades.csv", TRADES)
    assert "encrypted" in desk.report("locked.zip", "--out", "out", code=1)["error"]
    monkeypatch.setenv("AIRFLOW_CONN_BANK", _OPEN)
    options = json.dumps({"format": "csv", "unpack": {"connection": "bank"}})
    report = desk.report("locked.zip", "--out", "out", "--options", options)
    assert (report["compression"], report["tables"][0]["rows"]) == ("zip", 2)
    monkeypatch.setenv("AIRFLOW_CONN_BANK", _OPEN.replace("sesame", "barley"))
    error = desk.report("locked.zip", "--out", "out", "--options", options, code=1)["error"]
    assert "barley" not in error
    assert "password" in error


def test_files_of_one_name_in_different_folders_lie_apart(desk: Desk) -> None:
    desk.put("in/monday/trades.csv", TRADES)
    desk.put("in/tuesday/trades.csv", "a\n1\n")
    desk.reports("in", "--out", "out")
    assert desk.written() == [
        "monday/trades.csv/table/part-00000.parquet",
        "tuesday/trades.csv/table/part-00000.parquet",
    ]
    desk.reports("in/monday/trades.csv", "in/tuesday/trades.csv", "--out", "out")
    assert len(desk.written()) == 2
    desk.reports("in/monday", "in/monday/../tuesday", "--out", "other")
    assert desk.written("other") == desk.written()


def test_a_file_that_is_named_twice_is_converted_once(desk: Desk) -> None:
    desk.put("in/a.csv", TRADES)
    assert len(desk.reports("in", "in/a.csv", "./in/a.csv", "--out", "out")) == 1


def test_an_output_folder_within_the_input_is_no_input(desk: Desk) -> None:
    desk.put("a.csv", TRADES)
    for _ in range(2):
        assert [report["path"] for report in desk.reports(".", "--out", "out")] == ["a.csv"]


def test_a_document_with_a_contract_is_of_one_table(desk: Desk) -> None:
    desk.put("s.sta", STATEMENT)
    assert [table["name"] for table in desk.report("s.sta", "--out", "out")["tables"]] == ["statements", "transactions"]
    options = '{"format": "mt940", "table": "statements"}'
    (table,) = desk.report("s.sta", "--out", "out", "--options", options)["tables"]
    assert {column["name"] for column in table["columns"]} >= {"opening_balance", "closing_balance"}


def test_a_file_that_is_gone_or_is_named_by_no_text(desk: Desk) -> None:
    desk.put("in/a.csv", TRADES)
    try:
        Path(os.fsdecode(b"in/\xff.csv")).write_text(TRADES)
    except OSError:
        pytest.skip("the file system takes names that are text only")
    assert len(desk.reports("in", "--out", "out")) == 2
    assert "\\udcff.csv" in desk.told("convert", "in", "--out", "out")


def test_names_of_a_file_steer_no_terminal(desk: Desk) -> None:
    desk.put("a.csv", "\x1b[2J,b\n1,2\n")
    assert "\x1b" not in desk.told("convert", "a.csv", "--out", "out")


def test_a_run_that_is_killed_leaves_hidden_scratch_which_a_later_run_removes(desk: Desk) -> None:
    desk.put("big.csv", b"id,price\n" + b"1,2.50\n" * 4_000_000)
    command = [sys.executable, "-m", "finport_ingestion.cli", "convert", "big.csv", "--out", "out"]
    plugins = str(Path(__file__).parents[2] / "plugins")
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": plugins})
    until = time.monotonic() + 60
    while not (scratch := list((desk.folder / "out").glob(".finport-*"))) and time.monotonic() < until:
        assert process.poll() is None, "it has ended before it could be killed"
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert scratch
    assert all(name.startswith(".finport-") for name in desk.left())
    desk.put("a.csv", TRADES)
    desk.report("a.csv", "--out", "out")
    assert scratch[0].is_dir(), "it may be another run's that is at work"
    two_days_ago = time.time() - 2 * 86_400
    for path in (*scratch[0].rglob("*"), scratch[0]):
        os.utime(path, (two_days_ago, two_days_ago))
    desk.report("a.csv", "--out", "out")
    assert desk.left() == ["a.csv"]


def test_a_terminal_gets_colours_and_lines_that_fit(desk: Desk) -> None:
    desk.put_mixed()
    shown = _on_a_terminal(["convert", "in", "--out", "out"], columns=100)
    rows = [line for line in shown.splitlines() if "trades.csv" in line or "prices.csv" in line]
    assert "\x1b[32mok" in "".join(rows)
    assert "\x1b[33mquarantined rows" in "".join(rows)
    assert "\x1b[31mrefused" in shown


def _on_a_terminal(arguments: list[str], *, columns: int) -> str:
    plugins = str(Path(__file__).parents[2] / "plugins")
    surroundings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "PYTHONPATH": plugins}
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "finport_ingestion.cli", *arguments]
    process = subprocess.Popen(command, env=surroundings, stdout=terminal, stderr=subprocess.PIPE)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    process.communicate()
    os.close(controller)
    return shown.decode()
