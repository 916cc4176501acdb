"""The CSV files that engines corrupt without a word, each converted in both ways: gathered in memory, and streamed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.report import FileReport, Outcome

MANY = 30_000


@dataclass(frozen=True)
class Nasty:
    """A file, and what a bank expects of it."""

    name: str
    content: bytes
    column: str
    type: str
    values: list[Any] = field(default_factory=list)  # of the column, from the end
    rows: int = 0
    quarantined: int = 0
    says: str = ""  # a warning holds this


def lines(header: str, *records: str, end: str = "\n") -> bytes:
    return (end.join([header, *records]) + end).encode()


def late(value: str) -> bytes:
    return lines("id,n", *(f"r{number},{number % 97 + 1}" for number in range(MANY)), f"last,{value}")


CASES = [
    Nasty("leading zeros", lines("code,x", "00123,1", "00456,2"), "code", "identifier", ["00123", "00456"]),
    Nasty(
        "a CUSIP of digits",
        lines("cusip,x", "037833100,1", "594918104,2"),
        "cusip",
        "identifier",
        ["037833100", "594918104"],
    ),
    Nasty(
        "a nameless CUSIP",
        lines("security,x", "037833100,1", "594918104,2"),
        "security",
        "identifier",
        ["037833100", "594918104"],
    ),
    Nasty("identifiers like 1E2", lines("x,y", "1E2,1", "2E3,2"), "x", "text", ["1E2", "2E3"]),
    Nasty(
        "decimals beyond 2**53",
        lines("x,y", "12345678901234567.89,1"),
        "x",
        "decimal(38,2)",
        [Decimal("12345678901234567.89")],
    ),
    Nasty(
        "an integer of 23 digits",
        lines("x,y", "12345678901234567890123,1"),
        "x",
        "identifier",
        ["12345678901234567890123"],
    ),
    Nasty("late text", late("abc"), "n", "text", ["96", "abc"][1:], rows=MANY + 1),
    Nasty("late decimal", late("3.75"), "n", "decimal(18,2)", [Decimal("3.75")], rows=MANY + 1),
    Nasty("late leading zero", late("00123"), "n", "identifier", ["00123"], rows=MANY + 1),
    Nasty("late plus", late("+5"), "n", "text", ["+5"], rows=MANY + 1),
    Nasty("late blank", late(" 7"), "n", "text", [" 7"], rows=MANY + 1),
    Nasty("late hexadecimal", late("0x1F"), "n", "text", ["0x1F"], rows=MANY + 1),
    Nasty("late minus zero", late("-0"), "n", "integer", [0], rows=MANY + 1),
    Nasty("late long integer", late("9223372036854775808"), "n", "identifier", ["9223372036854775808"], rows=MANY + 1),
    Nasty(
        "an ambiguous date",
        lines("x,y", "01/02/2024,1", "03/04/2024,2"),
        "x",
        "text",
        ["01/02/2024", "03/04/2024"],
        says="month/day",
    ),
    Nasty(
        "a date by one value",
        lines("x,y", "01/02/2024,1", "13/04/2024,2"),
        "x",
        "date",
        [date(2024, 2, 1), date(2024, 4, 13)],
    ),
    Nasty("ragged short", lines("a,b,c", "1,2,3", "4,5", "6,7,8"), "a", "integer", [1, 6], quarantined=1),
    Nasty("ragged long", lines("a,b,c", "1,2,3", "4,5,6,7", "6,7,8"), "a", "integer", [1, 6], quarantined=1),
    Nasty("an unclosed quote", lines("a,b", "1,x", '2,"oops', "3,y", "4,z"), "a", "integer", [1, 3, 4], quarantined=1),
    Nasty(
        "tickers NA NULL nan TRUE",
        lines("x,y", "NA,1", "NULL,2", "nan,3", "TRUE,4"),
        "x",
        "text",
        ["NA", "NULL", "nan", "TRUE"],
    ),
    Nasty("tickers T and F", lines("x,y", "T,1", "F,2", "T,3"), "x", "text", ["T", "F", "T"]),
    Nasty(
        "nanoseconds", lines("x,y", "2024-01-02 03:04:05.123456789,1"), "x", "text", ["2024-01-02 03:04:05.123456789"]
    ),
    Nasty(
        "microseconds",
        lines("x,y", "2024-01-02 03:04:05.123456,1"),
        "x",
        "timestamp",
        [datetime(2024, 1, 2, 3, 4, 5, 123456, UTC).replace(tzinfo=None)],
    ),
    Nasty(
        "semicolons and decimal commas",
        lines("x;y", "1,5;a", "2,25;b"),
        "x",
        "decimal(18,2)",
        [Decimal("1.50"), Decimal("2.25")],
    ),
    Nasty(
        "lines above the header",
        lines("Report of trades", "", "a,b,c", "1,2,3", "4,5,6"),
        "b",
        "integer",
        [2, 5],
        says="below",
    ),
    Nasty("latin-1", "name,x\nZürich,1\nGenève,2\n".encode("latin-1"), "name", "text", ["Zürich", "Genève"]),
    Nasty("mixed line ends", b"a,b\r\n1,2\n3,4\r\n5,6\n", "a", "integer", [1, 3, 5]),
    Nasty("repeated names", lines("px,px,PX", "1,2,3"), "px_2", "integer", [2], says="px_2"),
    Nasty("a byte order mark", b"\xef\xbb\xbfa,b\n1,2\n", "a", "integer", [1]),
    Nasty("a newline in a field", lines("a,b", '1,"x\ny"', "2,z"), "b", "text", ["x\ny", "z"]),
    Nasty(
        "two kinds of dates", lines("x,y", "2024-01-02,1", "02.01.2024,2"), "x", "text", ["2024-01-02", "02.01.2024"]
    ),
    Nasty("thousands in quotes", lines("x,y", '"1,338",1', '"2,000,000",2', "0,3"), "x", "integer", [1338, 2000000, 0]),
    Nasty(
        "thousands or decimals", lines("x;y", "1,338;1", "2,000;2"), "x", "text", ["1,338", "2,000"], says="thousands"
    ),
    Nasty(
        "a point in a file of commas",
        lines("x;y", "1.338;1,5", "2.000;2,5"),
        "x",
        "text",
        ["1.338", "2.000"],
        says="thousands",
    ),
    Nasty(
        "negatives of accountants",
        lines("x,y", "(1.50),1", "2.25,2"),
        "x",
        "decimal(18,2)",
        [Decimal("-1.50"), Decimal("2.25")],
    ),
    Nasty("percent", lines("x,y", "12.5%,1", "3%,2"), "x", "decimal(18,1)", [Decimal("12.5"), Decimal("3.0")]),
    Nasty("with and without percent", lines("x,y", "12.5%,1", "3,2"), "x", "text", ["12.5%", "3"], says="%"),
    Nasty(
        "dollars",
        lines("x,y", '"$1,234.50",1', "-$5.00,2"),
        "x",
        "decimal(18,2)",
        [Decimal("1234.50"), Decimal("-5.00")],
    ),
    Nasty(
        "a total below",
        lines("id,x", "1,1.50", "2,2.50", "TOTAL,4.00"),
        "x",
        "decimal(18,2)",
        [Decimal("1.50"), Decimal("2.50")],
        says="TOTAL",
    ),
    Nasty(
        "a total that is wrong",
        lines("id,a,x", "1,b,1.50", "2,c,2.50", "TOTAL,,5.00"),
        "x",
        "decimal(18,2)",
        [Decimal("1.50"), Decimal("2.50")],
        quarantined=1,
    ),
    Nasty(
        "a company called TOTAL",
        lines("symbol,x", "AAPL,1.50", "TOTAL,2.50"),
        "symbol",
        "identifier",
        ["AAPL", "TOTAL"],
    ),
    Nasty(
        "compact dates",
        lines("trade_date,x", "20240102,1", "20240103,2"),
        "trade_date",
        "date",
        [date(2024, 1, 2), date(2024, 1, 3)],
    ),
    Nasty(
        "a date that is none", lines("x,y", "2024-02-30,1", "2024-02-28,2"), "x", "text", ["2024-02-30", "2024-02-28"]
    ),
]


def converted(nasty: Nasty, folder: Path, *, gathered: bool) -> tuple[FileReport, pa.Table]:
    source = folder / "nasty.csv"
    source.write_bytes(nasty.content)
    raw = RawFile(path=UPath(source), uri="nasty.csv", size_bytes=len(nasty.content))
    wish = Wish(output=ParquetOutput(), threads=2, gathered_bytes=1 << 30 if gathered else 0)
    report = convert_file(raw, folder / "out", wish=wish)
    assert report.error is None, report.error
    return report, pq.read_table([part.path for part in report.tables[0].parts])


@pytest.mark.parametrize("gathered", [True, False], ids=["gathered", "streamed"])
@pytest.mark.parametrize("nasty", CASES, ids=lambda nasty: nasty.name)
def test_no_value_is_corrupted_without_a_word(nasty: Nasty, gathered: bool, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    report, table = converted(nasty, tmp_path, gathered=gathered)
    types = {column.name: column.type for column in report.tables[0].columns}
    assert types[nasty.column] == nasty.type
    values = table.column(nasty.column).to_pylist()
    assert values[-len(nasty.values) :] == nasty.values
    assert len(values) == (nasty.rows or len(nasty.values))
    assert report.quarantined == nasty.quarantined
    assert (report.outcome is Outcome.QUARANTINED_ROWS) == bool(nasty.quarantined)
    assert nasty.says in " ".join(report.warnings)
