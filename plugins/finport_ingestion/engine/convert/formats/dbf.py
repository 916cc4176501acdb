"""dBASE tables (.dbf) of dBASE III to 7, FoxPro and Visual FoxPro.

Numbers are given digit for digit as they were written, so amounts are exact. Deleted records are left out and counted.
Texts of memo fields lie in another file, which is not read. Blanks at the end of texts are padding.

```yaml
convert: {format: dbf, encoding: cp850}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class DbfOptions(FormatOptions):
    """What the file does not say itself."""

    format: Literal["dbf"]
    encoding: str | None = Field(
        default=None, description="Of its texts, e.g. cp850; by default the code page that it states, or detected."
    )


class DbfFormat:
    """See the module."""

    Options = DbfOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".dbf",)
    media_types = ("application/vnd.dbf", "application/x-dbf", "application/dbase")

    def __init__(self, options: DbfOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.dbf_layout import likely

        return Likeness(0.95, "begins with the header of a dBASE table") if likely(head.content) else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.dbf_records import read_dbf

        return read_dbf(raw, encoding=self.options.encoding)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.dbf_records import sample_dbf

        return sample_dbf(raw, encoding=self.options.encoding, size_bytes=size_bytes)
