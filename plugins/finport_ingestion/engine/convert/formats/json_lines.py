"""One JSON object a line.

```yaml
convert: {format: ndjson}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class NdjsonOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["ndjson"]


class NdjsonFormat:
    """See the module."""

    Options = NdjsonOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = ""
    suffixes = (".ndjson", ".jsonl", ".jsonlines")
    media_types = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")

    def __init__(self, options: NdjsonOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        lines = [line.strip() for line in head.text.splitlines() if line.strip()]
        if not lines or not (lines[0].startswith("{") and lines[0].endswith("}")):
            return None
        if len(lines) > 1 and lines[1].startswith("{"):
            return Likeness(0.95, "an object a line")
        return Likeness(0.4, "one line that is an object")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_stream import read_lines

        return read_lines(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_stream import sample_lines

        return sample_lines(raw, size_bytes=size_bytes)
