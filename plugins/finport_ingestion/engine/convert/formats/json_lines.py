"""One JSON object a line.

```yaml
convert: {format: ndjson}
```
"""

from __future__ import annotations

from typing import Literal

from finport_ingestion.engine.options import FormatOptions


class NdjsonOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["ndjson"]


class NdjsonFormat:
    """See the module."""

    Options = NdjsonOptions
