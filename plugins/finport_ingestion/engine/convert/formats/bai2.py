"""BAI2 cash management files: balances and transactions of accounts.

```yaml
convert: {format: bai2}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_HEADER = re.compile(
    r"\s*01,[^,\n]*,[^,\n]*,\d{6}(?:\d\d)?,\d{0,4},[^,\n/]*(?:,[^,\n/]*){0,2}(?:,[^,\n/]*)?\s*(?:/|\n|$)"
)
_ALIKE = re.compile(r"\s*\d\d,[^,\n]*,[^,\n]*,[^,\n]*,[^,\n]*,[^,\n]*,\d*,\d*,[123]\s*/\s*(?:\n|$)")


class Bai2Options(FormatOptions):
    """How much the totals weigh."""

    format: Literal["bai2"]
    encoding: str | None = Field(default=None, description="e.g. cp1252; detected by default.")
    control_totals: Literal["warn", "set_aside"] = Field(
        default="warn",
        description="What becomes of an account group whose control total or record count does not hold.",
    )


class Bai2Format:
    """See the module."""

    Options = Bai2Options
    typed = False
    whole_file = False
    isolated = False
    main_table = "transactions"
    suffixes = (".bai", ".bai2")
    media_types = ("application/x-bai2",)

    def __init__(self, options: Bai2Options) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if _HEADER.match(head.text):
            return Likeness(0.98, "begins with a BAI2 file header (01)")
        if _ALIKE.match(head.text):
            return Likeness(0.9, "begins as a BAI2 file header does, with another record code")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.bai2 import read_bai2

        return read_bai2(raw, encoding=self.options.encoding, strict=self.options.control_totals == "set_aside")

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
