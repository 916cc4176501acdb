"""XLS, Excel's format before 2007: an OLE container with a stream of records."""

from __future__ import annotations

import struct

from finport_ingestion.engine.convert.interface import RawFile
from finport_ingestion.engine.convert.reading.biff_faults import xls_errors, xls_is_encrypted
from finport_ingestion.engine.convert.reading.calamine_cells import cells_of, infos_of, open_workbook
from finport_ingestion.engine.convert.reading.office_zip import damaged, encrypted
from finport_ingestion.engine.convert.reading.ole_streams import BadContainer, Container
from finport_ingestion.engine.convert.reading.sheet_grid import Sheet
from finport_ingestion.engine.convert.reading.sheet_layout import Wanted
from finport_ingestion.engine.convert.reading.sheet_table import SheetTable, table_of

_STREAMS = ("Workbook", "Book", "WORKBOOK", "BOOK")
_MACROS = ("_VBA_PROJECT", "VBA", "_VBA_PROJECT_CUR")


class XlsBook:
    """An open XLS workbook.

    Raises:
        FormatError: It is damaged, encrypted, or an Office document of another kind.
    """

    def __init__(self, content: bytes, raw: RawFile) -> None:
        self._raw = raw
        stream, names = _workbook_stream(content, raw)
        if xls_is_encrypted(stream):
            raise encrypted(raw)
        self._errors = _errors_of(stream, raw)
        self._book = open_workbook(content, raw)
        self.sheets = infos_of(self._book)
        if len(self._errors) != len(self.sheets):
            raise damaged(raw, f"it lists {len(self._errors)} sheets, of which {len(self.sheets)} can be read")
        self.notes: tuple[str, ...] = ("its macros are neither run nor kept",) if names & set(_MACROS) else ()

    def table(self, at: int, wanted: Wanted) -> SheetTable:
        """The table of a sheet."""
        info = self.sheets[at]
        rows, merges = cells_of(self._book, info.name, errors=self._errors[at], raw=self._raw)
        return table_of(Sheet(name=info.name, rows=rows, hidden=info.hidden, merges=merges), wanted=wanted)


def _workbook_stream(content: bytes, raw: RawFile) -> tuple[bytes, frozenset[str]]:
    try:
        container = Container(content)
        if "EncryptedPackage" in container.names:
            raise encrypted(raw)
        name = next((name for name in _STREAMS if name in container.names), None)
        if name is None:
            some = ", ".join(sorted(container.names)[:5])
            raise damaged(raw, f"an old Office document, but no workbook: it holds {some}")
        return container.read(name), container.names
    except (BadContainer, struct.error) as error:
        raise damaged(raw, f"its container is damaged: {error}") from error


def _errors_of(stream: bytes, raw: RawFile) -> list[dict[tuple[int, int], str]]:
    try:
        return xls_errors(stream)
    except (struct.error, IndexError) as error:
        raise damaged(raw, "a record of the workbook is cut") from error
    except ValueError as error:
        raise damaged(raw, f"the workbook is damaged: {error}") from error
