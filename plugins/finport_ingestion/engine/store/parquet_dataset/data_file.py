"""One data file: rows go in, and it gets the name that its bytes decide."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from finport_ingestion.engine.errors import StorageUnavailable
from finport_ingestion.engine.files import local_path, sync_folder, write_atomically
from finport_ingestion.engine.parquet_file import HashingFile
from finport_ingestion.engine.store.parquet_dataset import partitioning
from finport_ingestion.engine.store.parquet_dataset.snapshot import StoredFile

DATA = "data"
PARTIAL = "_partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """Where files are written before they have their name; for object stores a folder of this machine."""

    folder: UPath  # the dataset's
    drafts: UPath


class DataFile:
    """A file that is being written."""

    def __init__(
        self,
        *,
        where: Drafts,
        partition: Mapping[str, str | None],
        schema: pa.Schema,
        schema_name: str,
        compression_level: int,
    ) -> None:
        """Begin a file with the columns of `schema`, those that are not in the partition."""
        self.rows = 0
        self._where = where
        self._partition = dict(partition)
        self._schema_name = schema_name
        self._draft = where.drafts / f"{uuid.uuid4().hex}.partial"
        with ExitStack() as stack:
            self._sink = HashingFile(stack.enter_context(write_atomically(self._draft)))
            self._writer = pq.ParquetWriter(
                self._sink, schema, compression="zstd", compression_level=compression_level, write_page_index=True
            )
            self._stack = stack.pop_all()

    def write(self, rows: pa.Table) -> None:
        """Add `rows` as one row group."""
        self._writer.write_table(rows, row_group_size=rows.num_rows)
        self.rows += rows.num_rows

    def close(self) -> StoredFile:
        """Finish the file and put it where it belongs."""
        self._writer.close()
        self._stack.close()
        sha256, size_bytes = self._sink.sha256, self._sink.size_bytes
        inside = "/".join(filter(None, (DATA, partitioning.folder_of(self._partition), f"{sha256}.parquet")))
        _move(self._draft, self._where.folder / inside)
        return StoredFile(
            path=inside,
            rows=self.rows,
            size_bytes=size_bytes,
            sha256=sha256,
            schema=self._schema_name,
            partition=self._partition,
        )

    def abandon(self, error: BaseException) -> None:
        """Leave nothing behind. Raises what `error` means for a place, e.g. StorageUnavailable for a full disk."""
        self._sink.let_go()
        self._writer.close()
        self._stack.__exit__(type(error), error, error.__traceback__)
        self._draft.unlink(missing_ok=True)


def _move(draft: UPath, final: UPath) -> None:
    """Give a draft its name. What is there has the same bytes, but is written anew: its age protects it from expiry."""
    local = local_path(final)
    try:
        if local is None:
            final.fs.put_file(draft.path, final.path)
            draft.unlink()
            return
        local.parent.mkdir(parents=True, exist_ok=True)
        Path(draft.path).replace(local)
        for folder in (local.parent, *_new_parents(local)):
            sync_folder(folder)
    except OSError as error:
        raise StorageUnavailable(
            f"{final} cannot be written: {error.strerror or error}.", hint="check the disk and the access of the worker"
        ) from error


def _new_parents(file: Path) -> list[Path]:
    """The folders above a file, up to the dataset's, whose entries must be durable as well."""
    parents = list(file.parents)
    return parents[1 : [parent.name for parent in parents].index(DATA) + 2]
