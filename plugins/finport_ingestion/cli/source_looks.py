"""A source outside its workflows: opened as a run opens it, looked at, and nothing of it kept."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finport_ingestion.cli import surroundings
from finport_ingestion.engine.errors import PermanentError
from finport_ingestion.engine.records import LINEAGE_COLUMNS, Fingerprint, Part, Replaces, SourceItem
from finport_ingestion.engine.sources.opening import open_source
from finport_ingestion.engine.step import StepContext
from finport_ingestion.engine.workflow import looking

if TYPE_CHECKING:
    import pyarrow as pa

    from finport_ingestion.engine.config.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first records of a source, through the converter."""

    item: str
    rows: pa.Table  # without the columns that say where a row came from
    row_count: int  # records that were read
    quarantined: int
    columns: Sequence[tuple[str, str]]  # names and logical types


def looking_at(catalog: Catalog, source: str) -> AbstractContextManager[StepContext]:
    """The source as its first step has it, with what a person at the command line may use."""
    return looking.looking_at(catalog, source, surroundings.services())


def checked(context: StepContext) -> str:
    """One sentence about the login. Raises what a run would."""
    return open_source(context).check()


def listed(context: StepContext, *, limit: int) -> list[SourceItem]:
    """The first items, as a first run finds them; 0 for all."""
    return list(itertools.islice(open_source(context).discover(None), limit or None))


def sampled(context: StepContext, *, limit: int) -> Sample:
    """The first records of the first delivery of the first item that has one.

    Raises:
        PermanentError: The source lists nothing.
    """
    from finport_ingestion.engine.collect.landing import land

    source = open_source(context)
    item = next(iter(source.discover(None)), None)
    if item is None:
        raise PermanentError(f"{context.source.name}: the source lists nothing.", hint="check its path and pattern")
    part = next(land(item, index=0, source=source, context=context))
    return _converted(context, part, limit=limit)


def _converted(context: StepContext, part: Part, *, limit: int) -> Sample:
    from finport_ingestion.engine.convert.step import ConvertStep

    fingerprint = Fingerprint(item=part.item, sha256=part.sha256)
    context.write_manifest(context.manifest(replaces=Replaces.ITEMS, parts=(part,), items=(fingerprint,)))
    converting = dataclasses.replace(context, step=context.plan.step("convert"))
    step = ConvertStep()
    schema = json.loads(step.split(converting).schema or "[]")
    result = step.work(dataclasses.replace(converting, batch=0))
    return Sample(
        item=part.item,
        rows=_rows(Path(str(converting.folder("staging"))), limit=limit),
        row_count=result.rows_read,
        quarantined=result.rows_quarantined,
        columns=[(column["name"], column["type"]) for column in schema],
    )


def _rows(folder: Path, *, limit: int) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (path,) = folder.glob("part-*.parquet")
    with pq.ParquetFile(path) as file:
        batches = list(itertools.islice(file.iter_batches(batch_size=max(limit, 1)), 1))
        table = pa.Table.from_batches(batches, schema=file.schema_arrow)
    return table.select([name for name in table.schema.names if name not in LINEAGE_COLUMNS])[:limit]
