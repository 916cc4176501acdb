"""Tables of a web page, as texts. Many exports that are named `.xls` are this.

```yaml
convert: {format: html, table: "Failed banks"}
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).){0,4096}-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|div|style)\b",
    re.IGNORECASE | re.DOTALL,
)
_TABLE = re.compile(r"<table\b", re.IGNORECASE)
_OTHER = re.compile(r"xmlns:ix\s*=|inlineXBRL", re.IGNORECASE)


class HtmlOptions(FormatOptions):
    """What the page does not say."""

    format: Literal["html"]
    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; as the page says by default.")
    header: Literal["auto", "none"] = Field(
        default="auto", description="`none` if no row of the tables names the columns; found by default."
    )
    line_break: str = Field(
        default="", description="What stands for a line break between two words of a cell; a page's text has nothing."
    )


class HtmlFormat:
    """See the module."""

    Options = HtmlOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".html", ".htm", ".xhtml")
    media_types = ("text/html", "application/xhtml+xml")

    def __init__(self, options: HtmlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if not _PAGE.match(head.text) or _OTHER.search(head.text):
            return None
        if _TABLE.search(head.text):
            return Likeness(0.95, "an HTML page with a table")
        return Likeness(0.85, "an HTML page")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.html_grid import read_html

        options = self.options
        return read_html(raw, encoding=options.encoding, header=options.header == "auto", line_break=options.line_break)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
