"""SQLite files: declared types as far as values agree, exact amounts, and nothing of the file runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upath import UPath

from finport_ingestion.engine.convert.formats.sqlite_file import SqliteFormat, SqliteOptions
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.sqlite_types import decimal_texts
from finport_ingestion.engine.errors import FormatError
from finport_ingestion.engine.limits import ReadLimits
from tests.conformance.formats.samples.statistical import written
from tests.unit.convert.read_bytes import Found, read_bytes


def database(*statements: str | tuple[str, Sequence[Any]]) -> bytes:
    def write(path: str) -> None:
        connection = sqlite3.connect(path)
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            connection.execute(sql, values)
        connection.commit()
        connection.close()

    return written(write, ".sqlite")


def column(declared: str, *values: Any) -> bytes:
    inserts = [("INSERT INTO t VALUES (?)", (value,)) for value in values]
    return database(f"CREATE TABLE t (x {declared})", *inserts)


def read(folder: Path, content: bytes, **options: Any) -> Found:
    return read_bytes(folder, content, format="sqlite", **options)


def kind(found: Found) -> pa.DataType:
    return found.batches[0].columns.schema.field("x").type


@pytest.mark.parametrize(
    ("declared", "values", "meant", "expected"),
    [
        ("NUMERIC(10,2)", [0.1, 25.86, 100, None], pa.decimal128(18, 2), ["0.10", "25.86", "100.00", None]),
        ("DECIMAL", [1.5, 1e-5, 3], pa.decimal128(18, 5), ["1.50000", "0.00001", "3.00000"]),
        ("DECIMAL(20,4)", [12345678901.25], pa.decimal128(38, 4), ["12345678901.2500"]),
    ],
)
def test_amounts_are_the_decimals_that_sqlite_shows(
    tmp_path: Path, declared: str, values: list[Any], meant: pa.DataType, expected: list[str | None]
) -> None:
    found = read(tmp_path, column(declared, *values))
    assert kind(found) == meant
    assert [None if value is None else str(value) for value in found.column("x", "t")] == expected


def test_amounts_of_more_decimals_than_declared_stay_floats_and_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, column("NUMERIC(10,2)", 0.1 + 0.2, 1.5))
    assert found.column("x", "t") == [0.30000000000000004, 1.5]
    assert "more than the declared 2 decimals" in found.warnings


@pytest.mark.parametrize(
    ("declared", "values", "meant"),
    [
        ("INTEGER", [1, -(2**63), None], pa.int64()),
        ("REAL", [1.0, 2.5], pa.float64()),
        ("BOOLEAN", [0, 1], pa.bool_()),
        ("BOOLEAN", [0, 2], pa.int64()),
        ("BLOB", [b"\0\xff"], pa.binary()),
        ("TEXT", ["007", "1.50"], pa.string()),
        ("", ["a"], pa.string()),
        ("NVARCHAR(20)", ["Zürich", "a\0b"], pa.string()),
        ("POINT", ["1,2"], pa.string()),
        ("DATE", [], pa.date32()),
        ("NUMERIC(10,2)", [], pa.decimal128(18, 2)),
        ("TIME", [], pa.time64("us")),
        ("TIMESTAMP WITH TIME ZONE", [], pa.timestamp("us", "UTC")),
        ("DECIMAL(100,2)", [1.5, 2], pa.decimal128(18, 1)),
        ("DECIMAL(50,2)", [1.5, 2], pa.decimal128(18, 2)),
    ],
)
def test_a_column_has_its_declared_type_where_the_values_agree(
    tmp_path: Path, declared: str, values: list[Any], meant: pa.DataType
) -> None:
    found = read(tmp_path, column(declared, *values))
    assert kind(found) == meant
    assert found.column("x", "t") == values


@pytest.mark.parametrize(
    ("declared", "text", "meant"),
    [
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATETIME", "2024-02-29 01:02:03.5", datetime.fromisoformat("2024-02-29 01:02:03.500")),
        ("TIMESTAMP", "2024-02-29T01:02:03", datetime.fromisoformat("2024-02-29 01:02:03")),
        ("DATETIME", "2024-02-29T01:02:03+01:00", datetime.fromisoformat("2024-02-29T00:02:03+00:00")),
        ("DATE", "29.02.2024", "29.02.2024"),
        ("DATE", "0000-01-01", "0000-01-01"),
        ("TIME", "09:30:00", time(9, 30)),
        ("TIME", "23:59:59.123456", time(23, 59, 59, 123456)),
        ("TIME", "24:00:00", "24:00:00"),
        ("TIME", "noon", "noon"),
    ],
)
def test_moments_held_as_text_are_moments_where_every_value_is_one(
    tmp_path: Path, declared: str, text: str, meant: object
) -> None:
    assert read(tmp_path, column(declared, text, None)).column("x", "t") == [meant, None]


def test_a_column_of_mixed_values_is_text_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, column("", 1, 0.1, "a", b"\x0f"))
    assert found.column("x", "t") == ["1", "0.1", "a", "X'0F'"]
    assert "mixes 1 integers, 1 floats, 1 texts, 1 blobs" in found.warnings


def test_integers_that_no_float_holds_are_not_rounded(tmp_path: Path) -> None:
    found = read(tmp_path, column("", 2**53 + 1, 0.5))
    assert found.column("x", "t") == ["9007199254740993", "0.5"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.decimals(min_value=-(10**10), max_value=10**10, places=2), min_size=1, max_size=20))
def test_amounts_come_back_equal(tmp_path_factory: pytest.TempPathFactory, amounts: list[Decimal]) -> None:
    content = column("NUMERIC(14,2)", *(str(amount) for amount in amounts))
    assert read(tmp_path_factory.mktemp("sqlite"), content).column("x", "t") == amounts


def test_rows_come_in_the_order_of_the_table_and_not_of_an_index(tmp_path: Path) -> None:
    content = database(
        "CREATE TABLE t (b INTEGER, a INTEGER, PRIMARY KEY (b, a))", "INSERT INTO t VALUES (9, 1), (1, 2), (5, 0)"
    )
    assert read(tmp_path, content).column("b", "t") == [9, 1, 5]


def test_every_table_is_read_and_names_of_any_kind_are_quoted(tmp_path: Path) -> None:
    content = database(
        'CREATE TABLE "a ""b"";--" ("x y" TEXT, "X Y2" TEXT, rowid INTEGER)',
        'INSERT INTO "a ""b"";--" VALUES (\'1\', \'2\', 3)',
        "CREATE TABLE keyed (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID",
        "INSERT INTO keyed VALUES ('b', '2'), ('a', '1')",
        "CREATE TABLE empty (n INTEGER)",
    )
    found = read(tmp_path, content)
    assert found.rows('a "b";--') == [{"x y": "1", "X Y2": "2", "rowid": 3}]
    assert found.column("k", "keyed") == ["a", "b"]
    assert found.rows("empty") == []
    assert found.tables == {'a "b";--', "keyed", "empty"}


def test_views_virtual_tables_and_computed_columns_are_named_and_never_run(tmp_path: Path) -> None:
    content = database(
        "CREATE TABLE t (x INTEGER, twice INTEGER GENERATED ALWAYS AS (x * 2), kept INTEGER AS (x + 1) STORED)",
        "INSERT INTO t (x) VALUES (3)",
        "CREATE VIEW v AS SELECT load_extension('evil') FROM t",
        "CREATE VIRTUAL TABLE words USING fts5(word)",
    )
    found = read(tmp_path, content)
    assert found.rows("t") == [{"x": 3, "kept": 4}]
    notes = "\n".join(note for batch in found.batches for note in batch.notes)
    assert "view 'v' is not read" in notes
    assert "virtual table 'words' is not read" in notes
    assert "column 'twice' of table 't' is computed" in notes
    assert found.tables == {"t"}


def test_the_file_and_what_lies_beside_it_stay_untouched(tmp_path: Path) -> None:
    content = column("INTEGER", 1)
    (tmp_path / "delivered-wal").write_bytes(b"not a log")
    (tmp_path / "delivered-journal").write_bytes(b"not a journal")
    assert read(tmp_path, content).column("x", "t") == [1]
    assert (tmp_path / "delivered").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["delivered", "delivered-journal", "delivered-wal"]


def test_a_write_ahead_log_that_was_not_delivered_is_told(tmp_path: Path) -> None:
    content = database("PRAGMA journal_mode = WAL", "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
    found = read(tmp_path, content)
    assert found.column("x", "t") == [1]
    assert "'-wal'" in found.warnings


def test_text_that_is_not_utf8_costs_its_row(tmp_path: Path) -> None:
    content = database("CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES ('a'), (CAST(x'ff41' AS TEXT)), ('b')")
    found = read(tmp_path, content)
    assert found.column("x", "t") == ["a", "b"]
    assert found.numbers("t") == [1, 3]
    [bad] = found.bad
    assert bad.reason == "table 't' row 2: the text of column 'x' is not UTF-8"


def test_databases_of_utf16_read_alike(tmp_path: Path) -> None:
    content = database("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES ('日本 ü')")
    assert read(tmp_path, content).column("x", "t") == ["日本 ü"]


MANY = database(
    "CREATE TABLE t (x INTEGER, y TEXT)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
    " INSERT INTO t SELECT i, 'y' FROM n",
)


def test_many_rows_come_in_bounded_batches_and_samples_are_small(tmp_path: Path) -> None:
    found = read(tmp_path, MANY)
    assert found.column("x", "t") == list(range(1, 70_001))
    assert found.numbers("t") == list(range(1, 70_001))
    assert max(batch.columns.num_rows for batch in found.batches) <= 65_536
    assert len(read(tmp_path, MANY, sample_bytes=4096).rows("t")) == 1_000


@pytest.mark.parametrize("share", [0.001, 0.3, 0.99])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(FormatError, match="landing/delivered: "):
        read(tmp_path, MANY[: int(len(MANY) * share)])


def test_damage_that_would_lose_rows_or_give_them_twice_is_refused(tmp_path: Path) -> None:
    content = bytearray(MANY)
    content[40 * 4096 : 41 * 4096] = content[41 * 4096 : 42 * 4096]
    with pytest.raises(FormatError, match="damaged"):
        read(tmp_path, bytes(content))


def test_values_that_break_a_constraint_are_values(tmp_path: Path) -> None:
    content = database(
        "CREATE TABLE t (x INTEGER)",
        "INSERT INTO t VALUES (NULL), (-1)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE TABLE t (x INTEGER NOT NULL CHECK (x > 0))'",
    )
    assert read(tmp_path, content).column("x", "t") == [None, -1]


def test_a_record_beyond_the_limit_is_refused_by_the_limits_name(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read(tmp_path, column("TEXT", "x" * 100_000), limits=ReadLimits(recordBytes=10_000))
    assert "recordBytes" in str(caught.value.hint)


def test_a_database_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no tables"):
        read(tmp_path, database("CREATE TABLE t (x)", "DROP TABLE t"))


def test_a_header_with_nothing_behind_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="pages of 0 bytes"):
        read(tmp_path, b"SQLite format 3\0" + bytes(500))


@given(
    st.lists(
        st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False), max_size=20
    )
)
@settings(max_examples=200, deadline=None)
def test_numbers_are_spelled_with_the_digits_that_python_shows(values: list[float | None]) -> None:
    expected = [None if value is None else format(Decimal(repr(value)), "f").removesuffix(".0") for value in values]
    assert decimal_texts(values).to_pylist() == expected


def test_a_reader_tells_two_files_apart(tmp_path: Path) -> None:
    reader = SqliteFormat(SqliteOptions(format="sqlite"))
    kinds = []
    for number, content in enumerate((column("NUMERIC(5,1)", 1.5), column("NUMERIC(5,2)", 1.25))):
        path = tmp_path / str(number)
        path.write_bytes(content)
        raw = RawFile(path=UPath(path), uri="landing/t", size_bytes=len(content))
        kinds += [
            batch.columns.schema.field("x").type
            for found in (reader.sample(raw, size_bytes=1 << 20), reader.read(raw))
            for batch in found
        ]
    assert kinds == [pa.decimal128(18, 1)] * 4 + [pa.decimal128(18, 2)] * 4
