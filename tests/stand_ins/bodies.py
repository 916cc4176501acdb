"""A body in the form that each provider documents: `bodies/<source>.*`. They are made up, not recorded."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook

FOLDER = Path(__file__).parent / "bodies"
ROWS: dict[str, int] = json.loads((FOLDER / "rows.json").read_text())
"""How many records each body holds."""
_TYPES = {".json": "application/json", ".csv": "text/csv", ".xml": "application/xml", ".psv": "text/plain"}
_EACH_ITS_OWN = b"__N__"


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of one source's answer, before they are paged and packed."""

    content: bytes
    suffix: str
    members: tuple[tuple[str, bytes], ...] = ()  # of a ZIP archive

    @property
    def media_type(self) -> str:
        return _TYPES.get(self.suffix, "application/octet-stream")

    def numbered(self, number: int) -> Body:
        """The same with ids that no other number has."""
        mark = str(number).encode()
        members = tuple((name, text.replace(_EACH_ITS_OWN, mark)) for name, text in self.members)
        return Body(self.content.replace(_EACH_ITS_OWN, mark), self.suffix, members)

    def packed(self, path: str) -> bytes:
        """As it is sent: an archive or a workbook where the path is one of those."""
        if self.members:
            return _zipped(self.members)
        if path.endswith(".xlsx"):
            return _workbook(self.content.decode())
        return gzip.compress(self.content, mtime=0) if path.endswith(".gz") else self.content


def body_of(source: str) -> Body:
    """The body of a shipped source."""
    folder = FOLDER / source
    if folder.is_dir():
        members = tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))
        return Body(b"", ".zip", members)
    (path,) = FOLDER.glob(f"{source}.*")
    return Body(path.read_bytes(), path.suffix)


def _zipped(members: tuple[tuple[str, bytes], ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _workbook(text: str) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("ListOfSecurities")
    for row in csv.reader(io.StringIO(text)):
        sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
