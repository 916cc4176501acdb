"""One JSON object a line; lists are columns by position. Lines that are alike are read at the speed of CSV.

```yaml
convert: {format: ndjson}
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, Prepare, RawFile
from finport_ingestion.engine.options import FormatOptions

_BEGINNING = re.compile(r'\{\s*["}]|\[')
"""Other formats have braces too: {1:F01..., {1500}..."""
_LINE_END = re.compile(r"\r\n|\n|\r")


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
        # Strings may hold what other texts take for line ends, such as U+2028.
        lines = [line.strip() for line in _LINE_END.split(head.text) if line.strip()]
        if not lines or not _BEGINNING.match(lines[0]) or not lines[0].endswith(("}", "]")):
            return None
        if lines[0].startswith("["):
            # Of a document that begins so, the first line is not the whole of it.
            lists = len(lines) > 1 and all(line.startswith("[") for line in lines[1:])
            return Likeness(0.92, "a list a line") if lists and _is_json(lines[0]) else None
        if len(lines) > 1 and lines[1].startswith("{"):
            return Likeness(0.95, "an object a line")
        return Likeness(0.6, "one line that is an object")

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_stream import read_lines

        return read_lines(raw)

    def read_ahead(self, raw: RawFile, *, prepare: Prepare, threads: int) -> Iterator[Batch]:
        """The same records, parsed by `threads` threads."""
        from finport_ingestion.engine.convert.reading.json_fast import read_lines_ahead

        return read_lines_ahead(raw, prepare=prepare, threads=threads)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_fast import sample_lines

        return sample_lines(raw, size_bytes=size_bytes)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
