"""Tables of the files of an archive: each in a place of its own, whatever the files are called."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.convert.file_conversion import Wish, convert_file
from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.outputs.parquet import ParquetOutput


def tables(folder: Path, *members: tuple[str, bytes]) -> dict[str, list[str]]:
    """The amounts of each table, as they were written."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    path = folder / "a.zip"
    path.write_bytes(out.getvalue())
    raw = RawFile(path=UPath(path), uri="landing/a.zip", size_bytes=path.stat().st_size)
    report = convert_file(raw, folder / "out", wish=Wish(output=ParquetOutput()))
    assert report.error is None
    return {
        table.name: [
            str(amount) for part in table.parts for amount in pq.ParquetFile(part.path).read()["amount"].to_pylist()
        ]
        for table in report.tables
    }


def csv(amount: str) -> bytes:
    return f"id,amount\n001,{amount}\n".encode()


def test_files_of_one_name_in_several_folders_are_tables_of_their_own(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("data.csv", csv("4.50"))
    found = tables(
        tmp_path,
        ("2024-01/data.csv", csv("1.50")),
        ("2024-02/data.csv", csv("2.50")),
        ("2024-02/data.csv.gz", gzip.compress(csv("3.50"))),
        ("2024-03.zip", inner.getvalue()),
        ("other.csv", csv("5.50")),
    )
    assert found == {
        "2024-01/data.csv": ["1.50"],
        "2024-02/data.csv": ["2.50"],
        "2024-02/data.csv.gz!data.csv": ["3.50"],
        "2024-03.zip!data.csv": ["4.50"],
        "other.csv": ["5.50"],
    }


def test_not_even_a_name_that_imitates_a_path_shares_a_place(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("data.csv", csv("1.50"))
    found = tables(tmp_path, ("a.zip", inner.getvalue()), ("a.zip!data.csv", csv("2.50")), ("b/data.csv", csv("3.50")))
    assert sorted(amount for amounts in found.values() for amount in amounts) == ["1.50", "2.50", "3.50"]
