"""SDMX-ML data messages, generic (2.0, 2.1) and structure-specific (compact 2.0, 2.1, 3.0): an observation a row.

```yaml
convert: {format: sdmx}
```

Columns are the dimensions, `OBS_VALUE` and the attributes, by their ids; what a series, group or data set says stands
in each of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_ROOTS = frozenset(
    ["GenericData", "GenericTimeSeriesData", "StructureSpecificData", "StructureSpecificTimeSeriesData", "CompactData"]
)


class SdmxOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["sdmx"]


class SdmxFormat:
    """See the module."""

    Options = SdmxOptions
    typed = False
    whole_file = False
    isolated = False
    main_table = "observations"
    suffixes = (".sdmx",)
    media_types = (
        "application/vnd.sdmx.genericdata+xml",
        "application/vnd.sdmx.structurespecificdata+xml",
        "application/vnd.sdmx.compactdata+xml",
    )

    def __init__(self, options: SdmxOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        from finport_ingestion.engine.convert.reading.xml_heads import root_of

        root = root_of(head)
        if root is None:
            return None
        spoken = any("sdmx.org/resources/sdmxml" in found.lower() for found in (root.namespace, *root.namespaces))
        if root.name in _ROOTS:
            return Likeness(1.0 if spoken else 0.7, f"the SDMX message {root.name}")
        if root.name == "MessageGroup" and spoken:
            return Likeness(0.95, "a group of SDMX messages")
        if root.name == "Error" and spoken:
            return Likeness(0.95, "an error message of SDMX")  # which reads as no data: the reader says so
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.sdmx_ml import read_sdmx

        return read_sdmx(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)
