"""NACHA (ACH) files: entries, addenda, batches.

```yaml
convert: {format: nacha}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_HEADER = re.compile(r"\s*1[ 0]1[ \d][\w ]{9}.{10}\d{6}[\d ]{4}[A-Z0-9 ]094101")
_BATCH = re.compile(r"[\r\n]*5(?:200|220|225|280)")


class NachaOptions(FormatOptions):
    """How much the totals weigh."""

    format: Literal["nacha"]
    encoding: str | None = Field(default=None, description="e.g. cp1252; detected by default.")
    control_totals: Literal["warn", "set_aside"] = Field(
        default="set_aside",
        description="What becomes of a batch whose count, hash or totals differ from its control record.",
    )


class NachaFormat:
    """See the module."""

    Options = NachaOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "entries"
    suffixes = (".ach", ".nacha")
    media_types = ("application/x-nacha",)

    def __init__(self, options: NachaOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        match = _HEADER.match(head.text)
        if match is None:
            return None
        behind = head.text[match.start() : match.end() + 60].strip()
        batch = _BATCH.search(head.text, match.end())
        if batch or len(behind) <= 94:
            return Likeness(0.99, "begins with a NACHA file header (1) of 94 characters")
        return Likeness(0.9, "begins as a NACHA file header does")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.nacha import read_nacha

        return read_nacha(raw, encoding=self.options.encoding, strict=self.options.control_totals == "set_aside")

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
