"""One JSON document that holds a list of records. It is held in memory as a whole while it is read.

```yaml
convert: {format: json, records: data}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class JsonOptions(FormatOptions):
    """Where the records stand."""

    format: Literal["json"]
    records: str | None = Field(
        default=None, description="JMESPath of the list of records; the document itself by default."
    )


class JsonFormat:
    """See the module."""

    Options = JsonOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".json",)
    media_types = ("application/json", "text/json")

    def __init__(self, options: JsonOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(0.85, "begins as JSON") if head.text.lstrip()[:1] in ("{", "[") else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_whole import read_document

        return read_document(raw, path=self.options.records)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.json_whole import sample_document

        return sample_document(raw, path=self.options.records, size_bytes=size_bytes)
