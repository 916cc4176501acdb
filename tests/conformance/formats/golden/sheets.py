"""Sheets and HTML tables as other libraries read them: rows of cells from the first one, with no header assumed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import lxml.html
import openpyxl
import python_calamine

from tests.conformance.formats.golden.canonical import canonical

Grid = list[list[Any]]


def readings(path: Path) -> Iterator[Mapping[str, Grid]]:
    """Each library's reading of the sheets, by their name."""
    content = path.read_bytes()[:8]
    if content.startswith(b"PK"):
        yield from _by_openpyxl(path)
        yield from _by_calamine(path)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        yield from _by_calamine(path)
    else:
        yield _by_lxml(path)


def _by_openpyxl(path: Path) -> Iterator[Mapping[str, Grid]]:
    with zipfile.ZipFile(path) as package:
        if "xl/workbook.xml" not in package.namelist():
            return
    workbook = openpyxl.load_workbook(path, data_only=True)
    yield {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in workbook.worksheets}


def _by_calamine(path: Path) -> Iterator[Mapping[str, Grid]]:
    workbook = python_calamine.CalamineWorkbook.from_path(str(path))
    names = workbook.sheet_names
    yield {name: workbook.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}


def _by_lxml(path: Path) -> Mapping[str, Grid]:
    root = lxml.html.parse(str(path)).getroot()
    leaves = [table for table in root.iter("table") if not list(table.iter("table"))[1:]]
    return {f"table{place}": [_html_row(row) for row in table.iter("tr")] for place, table in enumerate(leaves)}


def _html_row(row: lxml.html.HtmlElement) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in row.iter("td", "th")]


def as_duration(value: timedelta) -> str:
    """As ours writes it: `10 days, 15:10:10`."""
    return str(value)


def as_seconds(value: timedelta) -> str:
    return f"{value.total_seconds()}s"


def since_1904(value: timedelta) -> str:
    """xlrd takes a duration for the moment that is so long after the beginning of the workbook's time."""
    return canonical(datetime(1904, 1, 1) + value)  # noqa: DTZ001 - as naive as the workbook


def since_1900(value: timedelta) -> str:
    return canonical(datetime(1899, 12, 31) + value)  # noqa: DTZ001


def cell_text(value: Any, duration: Callable[[timedelta], str] = as_duration) -> str:
    """As the manifest writes a cell: a moment at midnight is its date."""
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return canonical(value)
