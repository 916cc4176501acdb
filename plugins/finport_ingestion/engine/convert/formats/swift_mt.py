"""SWIFT MT messages in FIN blocks: `{1:...}{2:...}{4:...-}`, alone, in RJE files, with acknowledgements.

```yaml
convert: {format: swift_mt}
```

Table `messages` has a row a message (an acknowledgement is one) with its headers, the amount of the first field 32A or
32B, and the fields that payments use most; table `fields` has every field of every message. Account statements are
better read by `mt940`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_BASIC = re.compile(r"\{1:[AFL]\d{2}[A-Z0-9]{12}")
_APPLICATION = re.compile(r"\{2:[IO]([0-9A-Z]{3})[A-Z0-9]")
_TEXT = re.compile(r"\{4:\s*(?::\d\d[A-Z]?:|\{\d{3}:)")
_STATEMENTS = frozenset({"940", "941", "942", "950"})


class SwiftMtOptions(FormatOptions):
    """How the file is written."""

    format: Literal["swift_mt"]
    encoding: str | None = Field(default=None, description="e.g. utf-8, cp1252; detected by default.")


class SwiftMtFormat:
    """See the module."""

    Options = SwiftMtOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "messages"
    suffixes = (".fin", ".rje", ".mt", ".mt103", ".mt101")
    media_types = ("application/x-swift-fin", "text/x-swift-fin")

    def __init__(self, options: SwiftMtOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        text = head.text
        types = set(_APPLICATION.findall(text))
        if types and types <= _STATEMENTS:
            return Likeness(0.7, "FIN blocks, but of account statements")
        if _BASIC.search(text):
            return Likeness(0.99, "FIN blocks of SWIFT messages")
        if types and _TEXT.search(text):
            return Likeness(0.95, "FIN blocks without a basic header")
        if _TEXT.match(text.lstrip()):
            return Likeness(0.9, "begins with the text block of a SWIFT message")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.swift_messages import read_messages

        return read_messages(raw, encoding=self.options.encoding, table=self._table)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.swift_messages import sample_messages

        return sample_messages(raw, encoding=self.options.encoding, size_bytes=size_bytes)

    @property
    def _table(self) -> str:
        return (self.options.table or self.main_table).casefold()
