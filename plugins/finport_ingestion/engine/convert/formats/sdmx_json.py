"""SDMX-JSON data messages (1.0, 2.0 and the drafts before): an observation a row.

```yaml
convert: {format: sdmx_json}
```

Columns are the dimensions, the measures (`OBS_VALUE` where the structure names none) and the attributes, by their ids;
the positions in keys and attributes are decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from finport_ingestion.engine.convert.interface import Batch, Head, Likeness, RawFile
from finport_ingestion.engine.options import FormatOptions

_SCHEMA = re.compile(r"sdmx-json-data-schema|sdmx\.data\+json|/sdmx-json/", re.IGNORECASE)
_SETS = re.compile(r'"dataSets"\s*:\s*\[')
_KEYS = re.compile(r'"(?:\d+(?::\d+)*)"\s*:\s*(?:\{|\[)')
_EMPTY = re.compile(r'"(?:observations|series)"\s*:\s*\{\s*\}')
_DIMENSIONS = re.compile(r'"dimensions"\s*:\s*[{\[]')
_STRUCTURE = re.compile(r'"structures?"\s*:|"keyPosition"\s*:|"(?:observations|series)"\s*:\s*\{')


class SdmxJsonOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["sdmx_json"]


class SdmxJsonFormat:
    """See the module."""

    Options = SdmxJsonOptions
    typed = False
    whole_file = True
    isolated = False
    main_table = "observations"
    suffixes = ()
    media_types = ("application/vnd.sdmx.data+json",)

    def __init__(self, options: SdmxJsonOptions) -> None:
        self.options = options

    @classmethod
    def recognises(cls, head: Head) -> Likeness | None:
        text = head.text.lstrip("\ufeff \t\r\n")
        if not text.startswith("{"):
            return None
        if _SETS.search(text) and (_SCHEMA.search(text) or _is_structured(text)):
            return Likeness(0.97, "JSON with SDMX data sets")
        if _SCHEMA.search(text[:2048]):
            return Likeness(0.92, "JSON that names the SDMX-JSON schema")
        return None

    def read(self, raw: RawFile) -> Iterator[Batch]:
        from finport_ingestion.engine.convert.reading.sdmx_json_read import read_sdmx_json

        return read_sdmx_json(raw)

    def sample(self, raw: RawFile, *, size_bytes: int) -> Iterator[Batch]:
        return self.read(raw)


def _is_structured(text: str) -> bool:
    """Whether there is a structure, and data by its keys, or none at all."""
    keyed = _KEYS.search(text) or (_EMPTY.search(text) and _DIMENSIONS.search(text))
    return bool(_STRUCTURE.search(text) and keyed)
