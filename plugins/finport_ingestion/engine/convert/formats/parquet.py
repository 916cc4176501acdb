"""Apache Parquet, typed as it stands.

```yaml
convert: {format: parquet}
```
"""

from __future__ import annotations

from typing import Literal

from finport_ingestion.engine.options import FormatOptions


class ParquetOptions(FormatOptions):
    """Nothing to choose."""

    format: Literal["parquet"]


class ParquetFormat:
    """See the module."""

    Options = ParquetOptions
