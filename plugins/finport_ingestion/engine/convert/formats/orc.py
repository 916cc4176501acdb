"""Apache ORC, typed as it stands.

```yaml
convert: {format: orc}
```

A `timestamp` is the clock of its writer and stays naive; a `timestamp with local time zone` is a moment, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_BLANKS = b"\t\n\r\f"


class OrcOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["orc"]


class OrcFormat:
    """See the module."""

    Options = OrcOptions
    typed = True
    whole_file = False
    isolated = True
    main_table = ""
    suffixes = (".orc",)
    media_types = ("application/vnd.apache.orc", "application/x-orc", "application/orc")

    def __init__(self, options: OrcOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        # Three letters may begin a text as well; its first bytes would have no control characters.
        binary = any(byte < 32 and byte not in _BLANKS for byte in head.content[3:67])
        return Likeness(0.97, "begins with ORC") if head.content.startswith(b"ORC") and binary else None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.orc_rows import read_orc

        return read_orc(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.orc_rows import sample_orc

        return sample_orc(raw)
