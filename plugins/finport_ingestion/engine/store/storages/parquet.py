"""A hive-partitioned Parquet dataset with snapshots.

```yaml
store: {storage: parquet, partitionBy: [symbol]}
```
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from finport_ingestion.engine.options import StorageOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.records import Publication, Watermark
    from finport_ingestion.engine.store.interface import Expired, Opening, PublishRequest
    from finport_ingestion.engine.store.parquet_dataset.publishing import Publisher


class ParquetStorageOptions(StorageOptions):
    """How the dataset is laid out."""

    storage: Literal["parquet"]
    partition_by: tuple[str, ...] = Field(default=(), description="Columns that become folders.")
    compression_level: int = Field(default=3, ge=1, le=19, description="Of zstd.")
    rows_per_file: int = Field(default=5_000_000, gt=0, description="No file has more.")
    lineage: bool = Field(default=True, description="Keep the columns that say which byte a row came from.")


class ParquetStorage:
    """Immutable files below `store/<dataset>/`; what is visible is one snapshot file, made in one step."""

    Options = ParquetStorageOptions

    def __init__(self, options: ParquetStorageOptions, opening: Opening) -> None:
        self._options = options
        self._opening = opening

    @property
    def place(self) -> str:
        """The dataset's folder, relative to the places' root."""
        return f"store/{self._opening.dataset}"

    def publish(self, request: PublishRequest) -> Publication:
        """Write the files, then the snapshot that shows them; a publisher that is overtaken tries the next number."""
        return self._publisher().publish(request)

    def publications(self, source: str | None = None) -> list[Publication]:
        """Every commit that is known and was not taken back, oldest first."""
        from finport_ingestion.engine.store.parquet_dataset.commits import counting

        commits = counting(self._publisher().log)
        return [commit.publication(self._opening.dataset) for commit in commits if source in (None, commit.source)]

    def find(self, run_id: str, source: str) -> Publication | None:
        """The last publication of that run of the source which was not taken back."""
        return next((found for found in reversed(self.publications(source)) if found.run_id == run_id), None)

    def watermark(self, source: str) -> Watermark | None:
        """Where the source stands by the current snapshot."""
        return self._publisher().log.head().source(source).watermark

    def retract(self, source: str, run_id: str) -> bool:
        """Make a snapshot without what that run published."""
        return self._publisher().retract(source, run_id)

    def expire(self, before: datetime, *, dry_run: bool = False) -> Expired:
        """Remove superseded snapshots and the files that nothing shows any more."""
        from finport_ingestion.engine.store.parquet_dataset.expiry import expire

        return expire(self._publisher().log, before=before, now=self._opening.clock.now(), dry_run=dry_run)

    def read(
        self, columns: Sequence[str] | None = None, *, limit: int | None = None, lineage: bool = False
    ) -> pa.Table:
        """Rows of the current snapshot, files in the order of their publication."""
        from finport_ingestion.engine.store.read import open_snapshot

        snapshot = open_snapshot(self._publisher().log.folder)
        return snapshot.to_table(columns, limit=limit, lineage=lineage)

    def _publisher(self) -> Publisher:
        from finport_ingestion.engine.store.parquet_dataset.log import SnapshotLog
        from finport_ingestion.engine.store.parquet_dataset.publishing import Publisher
        from finport_ingestion.engine.store.parquet_dataset.writer import Layout

        options = self._options
        return Publisher(
            opening=self._opening,
            log=SnapshotLog(self._opening.dataset, self._opening.places.at(self.place)),
            layout=Layout(
                partition_by=options.partition_by,
                rows_per_file=options.rows_per_file,
                compression_level=options.compression_level,
            ),
            lineage=options.lineage,
        )
