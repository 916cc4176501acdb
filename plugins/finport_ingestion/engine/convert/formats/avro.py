"""An Avro object container file, typed as its schema says.

```yaml
convert: {format: avro}
```

A union of one type and null is that type; of several number types, the wider one; any other is text: strings as they
are, records and lists as JSON. A column with records that hold themselves is JSON, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class AvroOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["avro"]


class AvroFormat:
    """See the module."""

    Options = AvroOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".avro",)
    media_types = ("application/avro", "avro/binary", "application/vnd.apache.avro")

    def __init__(self, options: AvroOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        return Likeness(1.0, "begins with Obj and 1") if head.content.startswith(b"Obj\x01") else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.avro_rows import read_avro

        return read_avro(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.avro_rows import sample_avro

        return sample_avro(raw, size_bytes=size_bytes)
