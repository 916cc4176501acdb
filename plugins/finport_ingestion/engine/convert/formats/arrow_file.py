"""An Arrow IPC file; Feather of version 2 is the same.

```yaml
convert: {format: arrow}
```

What only Arrow has is unpacked: dictionaries, run ends, views. A union is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.reading.arrow_marks import FEATHER_1, FILE
from finport_ingestion.engine.options import FormatOptions


class ArrowFileOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["arrow"]


class ArrowFileFormat:
    """See the module."""

    Options = ArrowFileOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".arrow", ".arrow_file", ".feather", ".ipc")
    media_types = ("application/vnd.apache.arrow.file",)

    def __init__(self, options: ArrowFileOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if head.content.startswith(FEATHER_1):
            return Likeness(0.95, "begins with FEA1, of Feather version 1")
        return Likeness(1.0, "begins with ARROW1") if head.content.startswith(FILE) else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.arrow_rows import read_file

        return read_file(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.arrow_rows import sample_file

        return sample_file(raw)
