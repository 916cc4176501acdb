"""Quicken interchange files (QIF): transactions of accounts, splits, investments, lists.

```yaml
convert: {format: qif, dateOrder: mdy}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_SECTION = re.compile(r"!(?:Type:\s*[A-Za-z]|Account\b|Option:|Clear:)", re.IGNORECASE)


class QifOptions(FormatOptions):
    """How dates are written."""

    format: Literal["qif"]
    encoding: str | None = Field(default=None, description="e.g. cp1252; detected by default.")
    date_order: Literal["dmy", "mdy"] | None = Field(
        default=None, description="How 01/02/2024 is to be read; by default what the dates of the file prove."
    )


class QifFormat:
    """See the module."""

    Options = QifOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "transactions"
    suffixes = (".qif",)
    media_types = ("application/x-qif", "application/qif")

    def __init__(self, options: QifOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        lines = (line for line in head.text.splitlines() if line.strip() and not line.startswith("#"))
        first = next(lines, "")
        return Likeness(0.98, f"begins with {first[:20]}") if _SECTION.match(first) else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.qif import read_qif

        return read_qif(raw, encoding=self.options.encoding, order=self.options.date_order)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
