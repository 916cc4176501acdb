"""FpML 4 and 5: one row a trade, every leaf of it a column.

```yaml
convert: {format: fpml}
```

Columns are paths as in `xml`: `tradeHeader.tradeDate`, `swap.swapStream`, a list where a leaf is there several times.
The parties that a trade refers to stand in the table `parties`. What is no trade is read by `records`, e.g.
`records: /valuationReport/tradeValuationItem`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions


class FpmlOptions(FormatOptions):
    """Where the records are, if they are no trades."""

    format: Literal["fpml"]
    records: str | None = Field(
        default=None, description="Path of the elements that are rows, or their name; by default each `trade`."
    )


class FpmlFormat:
    """See the module."""

    Options = FpmlOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = ""
    suffixes = (".fpml",)
    media_types = ("application/fpml+xml",)

    def __init__(self, options: FpmlOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        root = root_of(head)
        if root is None:
            return None
        if "www.fpml.org/" in root.namespace.lower() + "/":
            return Likeness(1.0, f"the FpML namespace {root.namespace}")
        if root.name == "FpML" or (root.name == "dataDocument" and "fpml" in head.text[:4096].lower()):
            return Likeness(0.9, f"the FpML root element '{root.name}'")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.xml_fpml import read_fpml

        return read_fpml(raw, records=self.options.records)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
