"""Spreadsheets: XLSX, XLSM, XLSB, XLS, ODS. Each sheet is a table, with the types of its cells.

```yaml
convert: {format: xlsx, sheet: Prices, header: 5}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

if TYPE_CHECKING:
    from finport_ingestion.engine.convert.reading.workbook import Choice


class SpreadsheetOptions(FormatOptions):
    """Where the tables are; what is not stated is told from the cells."""

    sheet: str | int | None = Field(
        default=None, description="The sheet to read, by name or by number from 1; every sheet by default."
    )
    header: Literal["auto", "none"] | int = Field(
        default="auto",
        description="The row (from 1) that names the columns; `none` if no row does; found by default.",
    )
    skip_rows: int = Field(default=0, ge=0, description="Rows at the top that are not looked at.")
    footer: Literal["auto", "keep"] = Field(
        default="auto", description="`keep` reads notes and totals below the table as records."
    )


class XlsxOptions(SpreadsheetOptions):
    """An Excel workbook."""

    format: Literal["xlsx"]


class XlsmOptions(SpreadsheetOptions):
    """An Excel workbook with macros, which are neither run nor kept."""

    format: Literal["xlsm"]


class XlsbOptions(SpreadsheetOptions):
    """A binary Excel workbook."""

    format: Literal["xlsb"]


class XlsOptions(SpreadsheetOptions):
    """An Excel workbook of before 2007."""

    format: Literal["xls"]


class OdsOptions(SpreadsheetOptions):
    """An OpenDocument spreadsheet."""

    format: Literal["ods"]


class _Spreadsheet(Protocol):
    options: SpreadsheetOptions


def _read(self: _Spreadsheet, raw: RawFile) -> Iterator[Batch]:
    """Every record of every sheet, in order."""
    from finport_ingestion.engine.convert.reading.workbook import read_workbook

    return read_workbook(raw, _choice(self.options))


def _sample(self: _Spreadsheet, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
    """Records of the beginning, middle and end of each sheet."""
    from finport_ingestion.engine.convert.reading.workbook import sample_workbook

    return sample_workbook(raw, _choice(self.options), size_bytes=size_bytes)


class XlsxFormat:
    """See the module."""

    Options = XlsxOptions
    typed = True
    whole_file = True
    isolated = True
    main_table = ""
    suffixes = (".xlsx",)
    media_types = ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",)

    def __init__(self, options: XlsxOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "xlsx")

    read = _read
    sample = _sample


class XlsmFormat:
    """XLSX with macros."""

    Options = XlsmOptions
    typed = True
    whole_file = True
    isolated = True
    main_table = ""
    suffixes = (".xlsm",)
    media_types = ("application/vnd.ms-excel.sheet.macroenabled.12",)

    def __init__(self, options: XlsmOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "xlsm")

    read = _read
    sample = _sample


class XlsbFormat:
    """XLSX whose parts are binary."""

    Options = XlsbOptions
    typed = True
    whole_file = True
    isolated = True
    main_table = ""
    suffixes = (".xlsb",)
    media_types = ("application/vnd.ms-excel.sheet.binary.macroenabled.12",)

    def __init__(self, options: XlsbOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "xlsb")

    read = _read
    sample = _sample


class XlsFormat:
    """Excel's format before 2007."""

    Options = XlsOptions
    typed = True
    whole_file = True
    isolated = True
    main_table = ""
    suffixes = (".xls",)
    media_types = ("application/vnd.ms-excel", "application/excel", "application/x-excel", "application/x-msexcel")

    def __init__(self, options: XlsOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "xls")

    read = _read
    sample = _sample


class OdsFormat:
    """OpenDocument."""

    Options = OdsOptions
    typed = True
    whole_file = True
    isolated = True
    main_table = ""
    suffixes = (".ods",)
    media_types = ("application/vnd.oasis.opendocument.spreadsheet",)

    def __init__(self, options: OdsOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return _likeness(head, "ods")

    read = _read
    sample = _sample


def _choice(options: SpreadsheetOptions) -> Choice:
    from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
    from finport_ingestion.engine.convert.reading.workbook import Choice

    wanted = Wanted(header=options.header, skip_rows=options.skip_rows, footer=options.footer)
    return Choice(wanted=wanted, sheet=options.sheet)


def _likeness(head: Head, kind: str) -> Likeness | None:
    from finport_ingestion.engine.convert.reading.workbook_heads import likeness_of

    return likeness_of(head, kind)
