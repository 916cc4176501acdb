"""One JSON document that holds a list of records.

```yaml
convert: {format: json, records: data}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

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
