"""OFX (and QFX) bank, card and investment statements, 1.x (SGML) and 2.x (XML).

```yaml
convert: {format: ofx}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_HEADER = re.compile(r"\s*OFXHEADER\s*:\s*\d+", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<\?OFX\b", re.IGNORECASE)
_ROOT = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<OFX>\s*<", re.IGNORECASE | re.DOTALL)


class OfxOptions(FormatOptions):
    """Nothing to choose but the encoding."""

    format: Literal["ofx"]
    encoding: str | None = Field(default=None, description="e.g. utf-8; by default what the file's header states.")


class OfxFormat:
    """See the module."""

    Options = OfxOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = "transactions"
    suffixes = (".ofx", ".qfx")
    media_types = ("application/x-ofx", "application/ofx", "application/vnd.intu.qfx")

    def __init__(self, options: OfxOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if _HEADER.match(head.text):
            return Likeness(1.0, "begins with OFXHEADER")
        if _INSTRUCTION.match(head.text):
            return Likeness(1.0, "begins with <?OFX")
        return Likeness(0.97, "begins with <OFX>") if _ROOT.match(head.text) else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.ofx import read_ofx

        return read_ofx(raw, encoding=self.options.encoding)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
