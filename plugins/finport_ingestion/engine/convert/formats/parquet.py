"""Apache Parquet, typed as it stands.

```yaml
convert: {format: parquet}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class ParquetOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["parquet"]


class ParquetFormat:
    """See the module."""

    Options = ParquetOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".parquet", ".pq")
    media_types = ("application/vnd.apache.parquet", "application/x-parquet")

    def __init__(self, options: ParquetOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        if head.content.startswith(b"PARE"):
            return Likeness(1.0, "begins with PARE, of an encrypted Parquet file")
        return Likeness(1.0, "begins with PAR1") if head.content.startswith(b"PAR1") else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.parquet_rows import read_parquet

        return read_parquet(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.parquet_rows import sample_parquet

        return sample_parquet(raw, size_bytes=size_bytes)
