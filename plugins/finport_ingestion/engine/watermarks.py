"""Where a source stands once a run is published: at the highest cursor value of what passed the checks.

A record with a wrong date in the far future must not hide what comes after the true last one, so records that are
quarantined move no watermark.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finport_ingestion.engine.digest import canonical, row_digest
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.logical import parse_logical, to_arrow
from finport_ingestion.engine.lookback import lowered
from finport_ingestion.engine.ordered import comparable
from finport_ingestion.engine.records import LINEAGE_COLUMNS, Part, Watermark
from finport_ingestion.engine.ties import BEYOND, WITHOUT, listed, moved, spelled


def watermark_of(
    passed: Sequence[Part],
    converted: Sequence[Part],
    proposed: Watermark,
    *,
    previous: Watermark | None,
    lookback: int | str | None,
    places: Places,
) -> Watermark | None:
    """The mark that `passed` reaches; `previous` stays where it reaches no further.

    Its ties are the rows at the mark and within the lookback, those without a value, and those beyond it that are in
    quarantine: delivered again, they are known.

    Args:
        passed: Parquet parts of records that passed.
        converted: Those parts before the check.
        proposed: Field and type of the cursor; its ties name the rows beyond the mark that earlier runs dealt with.
    """
    tops = [top for part in passed if (top := _top(part, proposed.field, places)) is not None]
    logical = parse_logical(proposed.type)
    before = None if previous is None else comparable(previous.value, parse_logical(previous.type), logical)
    if not tops and before is None:
        return previous
    top = max([*tops, *([] if before is None else [before])])
    floor = lowered(top, lookback, what=f"incremental field '{proposed.field}'")

    def is_near(text: str) -> bool:
        value = comparable(text, logical, logical)
        return value is not None and bool(value >= floor)

    mark = str(canonical(top))
    ties = Counter[str]() if previous is None else moved(previous.ties, str(canonical(before)), mark, is_near=is_near)
    for part in converted:
        ties.update(_ties_of(part, proposed.field, top, floor=floor, places=places))
    ties.update({tie for tie in proposed.ties if tie.startswith(BEYOND)})
    return Watermark(field=proposed.field, value=mark, type=proposed.type, ties=listed(ties))


def asked_from(mark: Watermark | None, lookback: int | str | None) -> Watermark | None:
    """The mark as a source is asked for what lies behind it: lower by the lookback.

    Raises:
        ConfigError: The lookback does not fit the cursor.
    """
    if mark is None or lookback is None:
        return mark
    logical = parse_logical(mark.type)
    value = comparable(mark.value, logical, logical)
    low = lowered(value, lookback, what=f"incremental field '{mark.field}'")
    return dataclasses.replace(mark, value=str(canonical(low)))


def is_behind(mark: Watermark | None, other: Watermark | None) -> bool:
    """Whether `mark` lies before `other`, or at it."""
    if mark is None or other is None:
        return mark is None
    kind = to_arrow(parse_logical(other.type))
    return bool(pc.less_equal(pa.scalar(mark.value).cast(kind), pa.scalar(other.value).cast(kind)).as_py())


def _top(part: Part, field: str, places: Places) -> Any:
    highest = [pc.max(_cursor(batch, field)).as_py() for batch in _batches(part, places)]
    return max((value for value in highest if value is not None), default=None)


def _ties_of(part: Part, field: str, top: Any, *, floor: Any, places: Places) -> Iterator[str]:
    """Of the rows from `floor` on, and of those without a value."""
    mark = str(canonical(top))
    for batch in _batches(part, places):
        values = _cursor(batch, field)
        found = batch.filter(pc.or_kleene(pc.is_null(values), pc.greater_equal(values, pa.scalar(floor, values.type))))
        for value, digest in zip(_cursor(found, field).to_pylist(), _digests(found), strict=True):
            if value is None:
                yield WITHOUT + digest
            else:
                yield BEYOND + digest if value > top else spelled(digest, str(canonical(value)), mark)


def _digests(rows: pa.RecordBatch) -> Iterator[str]:
    columns = [name for name in rows.schema.names if name not in LINEAGE_COLUMNS]
    return (row_digest(row) for row in rows.select(columns).to_pylist())


def _batches(part: Part, places: Places) -> Iterator[pa.RecordBatch]:
    with places.at(part.uri).open("rb") as file:
        yield from pq.ParquetFile(file).iter_batches()


def _cursor(batch: pa.RecordBatch, field: str) -> pa.Array:
    folded = {name.casefold(): name for name in batch.schema.names}
    return batch.column(folded[field.casefold()])
