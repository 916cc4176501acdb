"""An Arrow IPC stream.

```yaml
convert: {format: arrow_stream}
```

A stream without its end mark may be cut; the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.convert.reading.arrow_marks import begins_with_schema
from finport_ingestion.engine.options import FormatOptions


class ArrowStreamOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["arrow_stream"]


class ArrowStreamFormat:
    """See the module."""

    Options = ArrowStreamOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".arrows", ".stream")
    media_types = ("application/vnd.apache.arrow.stream",)

    def __init__(self, options: ArrowStreamOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if begins_with_schema(head.content):
            return Likeness(0.97, "begins with an Arrow message that holds a schema")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.arrow_rows import read_stream

        return read_stream(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.arrow_rows import sample_stream

        return sample_stream(raw)
