"""The parts of a manifest as Arrow batches, proven to be the bytes that the manifest names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.clock import Deadline
from finport_ingestion.engine.errors import ChecksumMismatch, PermanentError
from finport_ingestion.engine.files import Places, sha256_of
from finport_ingestion.engine.records import LINEAGE_COLUMNS, Fingerprint, Manifest, Part
from finport_ingestion.engine.store import schemas

_BATCH_ROWS = 65_536


def parts_by_item(manifest: Manifest) -> list[tuple[Fingerprint, list[Part]]]:
    """Every item with its parts in order; items without rows have none.

    Raises:
        PermanentError: A part belongs to no item of the manifest, or is not Parquet.
    """
    parts: dict[str, list[Part]] = {item.item: [] for item in manifest.items}
    for part in manifest.parts:
        if part.item not in parts or part.format != "parquet":
            raise PermanentError(
                f"{manifest.source}: part {part.uri} ({part.format}, of item '{part.item}') cannot be published.",
                hint="run the source again from its convert step",
            )
        parts[part.item].append(part)
    return [(item, sorted(parts[item.item], key=lambda part: part.sequence)) for item in manifest.items]


def verify(manifest: Manifest, *, places: Places, deadline: Deadline) -> None:
    """Prove that the parts are the files that were checked.

    Raises:
        ChecksumMismatch, PermanentError: A part is another file, or is gone.
    """
    for part in manifest.parts:
        deadline.check()
        path = places.at(part.uri)
        try:
            same = sha256_of(path) == part.sha256
        except FileNotFoundError as error:
            raise PermanentError(f"{part.uri} is gone.", hint="run the source again from its convert step") from error
        if not same:
            raise ChecksumMismatch(
                f"{part.uri} is not the file that was checked.", hint="run the source again from its convert step"
            )


def schema_of(manifest: Manifest, *, places: Places, lineage: bool) -> pa.Schema:
    """The one schema of all parts, with or without the columns of lineage; empty when there are no parts."""
    footers = (_schema(part, places) for part in manifest.parts)
    whole = schemas.unify(footers, dataset=manifest.dataset)
    return whole if lineage else pa.schema([field for field in whole if field.name not in LINEAGE_COLUMNS])


def batches(parts: Sequence[Part], *, places: Places, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of `parts` with exactly the columns of `schema`."""
    for part in parts:
        with places.at(part.uri).open("rb") as file:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH_ROWS):
                yield fitted(batch, schema)


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the columns of `schema`: widened, missing ones null, others left out.

    Raises:
        PermanentError: A value does not fit the column exactly.
    """
    present = set(batch.schema.names)
    columns = [
        _cast(batch.column(field.name), field) if field.name in present else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(column: pa.Array, field: pa.Field) -> pa.Array:
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        # Arrow's message would repeat the value.
        raise PermanentError(
            f"column '{field.name}' has a {column.type} that {field.type} does not hold exactly.",
            hint="name the column's type in the contract",
        ) from error


def _schema(part: Part, places: Places) -> pa.Schema:
    with places.at(part.uri).open("rb") as file:
        return pq.read_schema(file)
