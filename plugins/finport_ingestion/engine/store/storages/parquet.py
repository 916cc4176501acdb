"""A hive-partitioned Parquet dataset with snapshots.

```yaml
store: {storage: parquet, partitionBy: [symbol]}
```
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from finport_ingestion.engine.options import StorageOptions


class ParquetStorageOptions(StorageOptions):
    """How the dataset is laid out."""

    storage: Literal["parquet"]
    partition_by: tuple[str, ...] = Field(default=(), description="Columns that become folders.")
    compression_level: int = Field(default=3, ge=1, le=19, description="Of zstd.")
    rows_per_file: int = Field(default=5_000_000, gt=0, description="No file has more.")
    lineage: bool = Field(default=True, description="Keep the columns that say which byte a row came from.")


class ParquetStorage:
    """See the module."""

    Options = ParquetStorageOptions
