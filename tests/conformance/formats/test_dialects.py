"""Tables in every dialect of the text formats come back equal: the types are found out, and no value is changed.

A column whose type its texts do not tell comes back as the texts that were delivered.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.formats.json_lines import NdjsonFormat
from finport_ingestion.engine.convert.interface import Batch, Prepare, RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput
from finport_ingestion.engine.convert.reading.delimited import read_delimited
from finport_ingestion.engine.convert.reading.json_fast import read_lines_ahead
from finport_ingestion.engine.convert.registry import FORMATS
from finport_ingestion.engine.convert.report import TableReport
from finport_ingestion.engine.convert.table_files import convert_tables
from tests.conformance.formats.written_tables import DIALECTS, Column, Dialect, nullable, spelled, tables

some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass(frozen=True)
class Way:
    """How a file is converted."""

    gathered_bytes: int = 0  # larger files are read twice; smaller ones once, into memory
    threads: int = 1
    window_bytes: int = 0  # of a reader that takes so little at a time; 0 for what it takes by itself


WAYS = (Way(), Way(threads=2), Way(gathered_bytes=16 << 20), Way(threads=2, window_bytes=37))


def _look_at_nothing(columns: pa.RecordBatch, origins: Any = None) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Narrow:
    """A reader whose windows are small, so that a small file has many."""

    reader: Any
    bytes: int
    typed = False
    whole_file = False
    isolated = False
    main_table = ""

    def read(self, raw: RawFile) -> Iterator[Batch]:
        return self.read_ahead(raw, prepare=_look_at_nothing, threads=1)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        if isinstance(self.reader, NdjsonFormat):
            return read_lines_ahead(raw, prepare=prepare, threads=threads, window_bytes=self.bytes)
        return read_delimited(raw, self.reader.dialect, prepare=prepare, threads=threads, window_bytes=self.bytes)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        found: Iterator[Batch] = self.reader.sample(raw, size_bytes=size_bytes)
        return found


def convert(content: bytes, options: dict[str, Any], way: Way) -> tuple[TableReport, pa.Table]:
    """What the file is converted to."""
    plugin = FORMATS.get(options["format"])
    parsed = plugin.Options.model_validate(options)
    with tempfile.TemporaryDirectory(prefix="finport-test-") as folder:
        path = Path(folder) / "delivered"
        path.write_bytes(content)
        raw = RawFile(path=UPath(path), uri="delivered", size_bytes=len(content))
        wish = Wish(output=ParquetOutput(), options=parsed, gathered_bytes=way.gathered_bytes, threads=way.threads)
        if way.window_bytes:
            narrow = Narrow(plugin(parsed), way.window_bytes)
            [table] = convert_tables(raw, narrow, folder=Path(folder) / "out", prefix="", wish=wish).tables
        else:
            report = convert_file(raw, Path(folder) / "out", wish=wish)
            assert report.error is None, report.error
            [table] = report.tables
        return table, pa.concat_tables([pq.read_table(part.path) for part in table.parts])


def assert_equal(
    content: bytes, options: dict[str, Any], columns: Sequence[Column], *, ways: Sequence[Way] = WAYS
) -> None:
    """The values are those that were meant, and the types their types."""
    for way in ways:
        report, table = convert(content, options, way)
        said = (way, options, content)
        assert report.quarantined == 0, said
        types = {column.name: column.type.partition("(")[0] for column in report.columns}
        assert set(types) == {column.name for column in columns}, said
        for column in columns:
            assert table.column(column.name).to_pylist() == column.values, (column, said)
            if any(value is not None for value in column.values):
                assert types[column.name] in column.logical.partition("(")[0].split("|"), (column, said)


def assert_equal_or_as_written(content: bytes, options: dict[str, Any], columns: Sequence[Column]) -> None:
    """Each column has the values that were meant, or the texts that were delivered."""
    for way in WAYS:
        report, table = convert(content, options, way)
        assert report.quarantined == 0
        for column in columns:
            found = table.column(column.name).to_pylist()
            assert found in (column.values, column.texts), (column, found, way, options, content)


def without_empty(columns: Sequence[Column]) -> list[Column]:
    """Of a format where an empty field is no value."""
    return [replace(column, values=[None if v == "" else v for v in column.values]) for column in columns]


@some
@given(columns=tables(), dialect=DIALECTS)
def test_delimited_text_comes_back_equal(columns: list[Column], dialect: Dialect) -> None:
    assert_equal(dialect.write(columns), dialect.options(columns), without_empty(columns))


@some
@given(
    columns=tables(least=2),
    dialect=DIALECTS.filter(lambda dialect: dialect.header and dialect.encoding.startswith("utf")),
)
def test_a_dialect_that_nobody_states_is_found_out(columns: list[Column], dialect: Dialect) -> None:
    options = {key: value for key, value in dialect.options(columns).items() if key not in ("delimiter", "header")}
    assert_equal(dialect.write(columns), options, without_empty(columns), ways=WAYS[:1])


def with_commas(column: Column, marks: bool) -> Column:
    """Spelled with a decimal comma, and points between thousands where `marks`."""
    if column.logical not in ("integer", "decimal"):
        return column
    swapped = str.maketrans(",.", ".,")
    format_ = "," if marks else ""
    places = [len((text or "").partition(".")[2]) for text in column.texts]
    texts = [
        None
        if value is None
        else f"{value:{format_}.{scale}f}".translate(swapped)
        if isinstance(value, Decimal)
        else f"{value:{format_}}".translate(swapped)
        for value, scale in zip(column.values, places, strict=True)
    ]
    return replace(column, texts=texts)


@some
@given(columns=tables(), dialect=DIALECTS.filter(lambda dialect: dialect.delimiter != ","), marks=st.booleans())
def test_decimal_commas_come_back_equal(columns: list[Column], dialect: Dialect, marks: bool) -> None:
    written = [columns[0], *(with_commas(column, marks) for column in columns[1:])]
    options = dialect.options(columns) | {"decimalComma": True}
    assert_equal(dialect.write(written), options, without_empty(columns))


DECORATED: list[Callable[[Decimal], str]] = [
    lambda value: f"{value:,}",
    lambda value: f"{value:,}".replace(",", "'"),
    lambda value: f"{value:,}".translate(str.maketrans(",.", ".,")),
    lambda value: f"{value:,}".translate(str.maketrans(",.", " ,")),
    lambda value: str(value).replace(".", ","),
    lambda value: f"({-value:,})" if value < 0 else f"{value:,}",
    lambda value: f"{-value:,}-" if value < 0 else f"{value:,}",
    lambda value: f"{value}%",
    lambda value: f"-${-value:,}" if value < 0 else f"${value:,}",
    lambda value: f"{value:,} €",
]


@some
@given(
    spell=st.sampled_from(DECORATED),
    scale=st.integers(0, 4),
    units=st.lists(nullable(st.integers(-(10**9), 10**9)), min_size=1, max_size=8),
    dialect=DIALECTS.filter(lambda dialect: dialect.encoding != "latin-1"),
)
def test_decorated_numbers_come_back_equal_or_as_written(
    spell: Callable[[Decimal], str], scale: int, units: list[int | None], dialect: Dialect
) -> None:
    dots = "." in spell(Decimal(1000))
    assume(not (dots and scale == 0))  # 1.000 is one
    assume(not (dialect.delimiter == "," and scale == 3))  # 1,234 is a thousand where commas cut fields
    values = [None if unit is None else Decimal(unit).scaleb(-scale) for unit in units]
    rows = Column("row", "integer", [*range(len(units))], [str(row) for row in range(len(units))])
    columns = [rows, Column("amount", "decimal", values, spelled(values, spell))]
    assert_equal_or_as_written(dialect.write(columns), dialect.options(columns), columns)


@some
@given(
    way=st.sampled_from(["dmy/", "dmy-", "dmy.", "mdy/", "mdy-"]),  # nobody writes 12.31.2024
    padded=st.booleans(),
    days=st.lists(nullable(st.dates(min_value=date(1000, 1, 1))), min_size=1, max_size=8),
    dialect=DIALECTS,
)
def test_days_and_months_come_back_equal(way: str, padded: bool, days: list[date | None], dialect: Dialect) -> None:
    order, mark, width = way[:3], way[3:], 2 if padded else 1
    shape = "{0:0{w}}{m}{1:0{w}}{m}{2}" if order == "dmy" else "{1:0{w}}{m}{0:0{w}}{m}{2}"
    rows = Column("row", "integer", [*range(len(days))], [str(row) for row in range(len(days))])
    texts = spelled(days, lambda day: shape.format(day.day, day.month, day.year, m=mark, w=width))
    columns = [rows, Column("traded", "date", list(days), texts)]
    content, options = dialect.write(columns), dialect.options(columns)
    assert_equal_or_as_written(content, options, columns)
    assert_equal(content, options | {"dateOrder": order}, columns)


MEANINGS: dict[str, tuple[Any, ...]] = {
    "0": (0,),
    "-5": (-5,),
    "-0": (0,),
    "1.50": (Decimal("1.50"),),
    ".5": (Decimal("0.5"),),
    "12345678901234567890": (12345678901234567890,),
    "1,5": (Decimal("1.5"),),
    "1,234.5": (Decimal("1234.5"),),
    "(5.00)": (-5,),
    "7-": (-7,),
    "$5": (5,),
    "5%": (5,),
    "true": (True,),
    "FALSE": (False,),
    "2024-02-29": (date(2024, 2, 29),),
    "20241301": (20241301,),
    "20240131": (20240131, date(2024, 1, 31)),
    "31-Jan-2024": (date(2024, 1, 31),),
    "2024-01-31 10:00:00": (datetime.fromisoformat("2024-01-31 10:00:00"),),
    "2024-01-31T10:00:00.120Z": (datetime.fromisoformat("2024-01-31T10:00:00.120+00:00"),),
    "10:00": (time(10),),
    **dict.fromkeys(["007", "00", "+1", "1E2", "0x10", "1_000", "1.", "-", "1.2.3", "1,23,4", "--1", "-.", "NaN"], ()),
    **dict.fromkeys(
        ["inf", "T", "yes", "2023-02-29", "24:00", "\u0661", "\uff11", " 1", "1 ", "1\xa0", "2024-W05"], ()
    ),
    **dict.fromkeys(["2024-01-31T10:00:00.1234567891Z", "2024-1-1", "1e400", "NA", "null", "#N/A"], ()),
}
"""What a text may be read as; never but as itself where there is nothing."""


ODD_COLUMNS = st.integers(1, 5).flatmap(
    lambda rows: st.lists(
        st.lists(nullable(st.sampled_from(sorted(MEANINGS))), min_size=rows, max_size=rows), min_size=1, max_size=6
    )
)


@some
@given(columns=ODD_COLUMNS, format_=st.sampled_from(["csv", "psv"]))
def test_nothing_is_read_into_a_text(columns: list[list[str | None]], format_: str) -> None:
    rows = Column("row", "integer", [], [str(row) for row in range(len(columns[0]))])
    written = [rows, *(Column(f"value {at}", "", [], texts) for at, texts in enumerate(columns))]
    dialect = Dialect(format_, {"csv": ",", "psv": "|"}[format_], "minimal", "\n", "utf-8", True)
    for way in WAYS:
        report, table = convert(dialect.write(written), dialect.options(written), way)
        types = {column.name: column.type for column in report.columns}
        for column in written[1:]:
            found = table.column(column.name).to_pylist()
            if types[column.name] in ("text", "identifier"):
                assert found == column.texts, (column, found, way)
                continue
            for value, text in zip(found, column.texts, strict=True):
                meant = (None,) if text is None else MEANINGS[text]
                assert value in meant, (column, types[column.name], found, way)


def json_value(column: Column, row: int) -> str:
    text = column.texts[row]
    if text is None:
        return "null"
    return text if column.logical in ("integer", "decimal", "boolean") else json.dumps(text)


def json_rows(columns: Sequence[Column], *, absent: bool) -> list[str]:
    """Records; those behind the first leave out what they have no value for, where `absent`."""
    rows = len(columns[0].texts)
    return [
        "{"
        + ", ".join(
            f"{json.dumps(column.name)}: {json_value(column, row)}"
            for column in columns
            if not (absent and row and column.texts[row] is None)
        )
        + "}"
        for row in range(rows)
    ]


def as_strings(columns: Sequence[Column]) -> list[Column]:
    """Of a format with strings: digits that are one were made one on purpose."""
    return [
        replace(column, logical="text|identifier") if column.logical == "identifier" else column for column in columns
    ]


@some
@given(
    columns=tables(),
    absent=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_json_comes_back_equal(columns: list[Column], absent: bool, end: str, encoding: str) -> None:
    rows = json_rows(columns, absent=absent)
    lines = "".join(row + end for row in rows).encode(encoding)
    assert_equal(lines, {"format": "ndjson"}, as_strings(columns))
    document = f"[{(',' + end).join(rows)}]".encode(encoding)
    assert_equal(document, {"format": "json"}, as_strings(columns), ways=WAYS[1:3])


@some
@given(
    columns=tables(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    header=st.booleans(),
    trimmed=st.booleans(),
)
def test_fixed_width_text_comes_back_equal(
    columns: list[Column], end: str, encoding: str, header: bool, trimmed: bool
) -> None:
    texts = [[text or "" for text in column.texts] for column in columns]
    assume(not any(mark in text for column in texts for text in column for mark in "\r\n"))
    widths = [max(map(len, [column.name, *found])) for column, found in zip(columns, texts, strict=True)]
    lines = [[column.name for column in columns]] if header else []
    lines += [list(row) for row in zip(*texts, strict=True)]
    padded = ["".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    text = "".join((line.rstrip(" ") if trimmed else line) + end for line in padded)
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
        raise
    starts = [sum(widths[:at]) for at in range(len(widths))]
    layout = [
        {"name": column.name, "start": start, "length": width}
        for column, start, width in zip(columns, starts, widths, strict=True)
    ]
    options = {"format": "fixed_width", "columns": layout, "header": header, "skipRows": 0}
    options |= {"encoding": encoding} if encoding == "cp1252" else {}
    bare = [replace(c, values=[v.strip(" \t") if isinstance(v, str) else v for v in c.values]) for c in columns]
    assert_equal(content, options, without_empty(bare), ways=WAYS[:3])
