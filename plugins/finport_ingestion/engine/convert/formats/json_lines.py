"""One JSON object a line.

```yaml
convert: {format: ndjson}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, RawFile
from finport_ingestion.engine.options import FormatOptions


class NdjsonOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["ndjson"]


class NdjsonFormat:
    """See the module."""

    Options = NdjsonOptions
    typed = False
    suffixes = (".ndjson", ".jsonl", ".jsonlines")
    media_types = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")

    def __init__(self, options: NdjsonOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: bytes) -> float:
        lines = [line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
        if not lines or not (lines[0].startswith(b"{") and lines[0].endswith(b"}")):
            return 0.0
        return 0.95 if len(lines) > 1 and lines[1].startswith(b"{") else 0.4

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_stream import read_lines

        return read_lines(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_stream import sample_lines

        return sample_lines(raw, size_bytes=size_bytes)
