"""Where a source stands once a run is published: at the highest cursor value of what passed the checks.

A record with a wrong date in the far future must not hide what comes after the true last one, so records that are
quarantined move no watermark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from finport_ingestion.engine.digest import canonical, row_digest
from finport_ingestion.engine.files import Places
from finport_ingestion.engine.logical import parse_logical, to_arrow
from finport_ingestion.engine.records import BEYOND, LINEAGE_COLUMNS, Part, Watermark


def watermark_of(
    passed: Sequence[Part],
    converted: Sequence[Part],
    proposed: Watermark,
    *,
    previous: Watermark | None,
    places: Places,
) -> Watermark | None:
    """The mark that `passed` reaches; `previous` where it holds no value of the cursor.

    Its ties are the rows at the mark, and those beyond it that are in quarantine: delivered again, they are known.

    Args:
        passed: Parquet parts of records that passed, none of them below `previous`.
        converted: Those parts before the check.
        proposed: Field and type of the cursor; its ties name the rows beyond the mark that earlier runs dealt with.
    """
    tops = [top for part in passed if (top := _top(part, proposed.field, places)) is not None]
    if not tops:
        return previous
    top = max(tops)
    ties = {digest for part in converted for digest in _digests_from(part, proposed.field, top, places)}
    ties |= {digest for digest in proposed.ties if digest.startswith(BEYOND)}
    text = canonical(top)
    if text is None:
        return previous
    if previous is not None and previous.value == text:
        ties |= set(previous.ties)
    return Watermark(field=proposed.field, value=text, type=proposed.type, ties=tuple(sorted(ties)))


def is_behind(mark: Watermark | None, other: Watermark | None) -> bool:
    """Whether `mark` lies before `other`, or at it."""
    if mark is None or other is None:
        return mark is None
    kind = to_arrow(parse_logical(other.type))
    return bool(pc.less_equal(pa.scalar(mark.value).cast(kind), pa.scalar(other.value).cast(kind)).as_py())


def _top(part: Part, field: str, places: Places) -> Any:
    highest = [pc.max(_cursor(batch, field)).as_py() for batch in _batches(part, places)]
    return max((value for value in highest if value is not None), default=None)


def _digests_from(part: Part, field: str, top: Any, places: Places) -> Iterator[str]:
    """Digests of the rows at `top`, and marked ones of those beyond it."""
    for batch in _batches(part, places):
        values = _cursor(batch, field)
        mark = pa.scalar(top, values.type)
        yield from _digests(batch.filter(pc.equal(values, mark)))
        yield from (f"{BEYOND}{digest}" for digest in _digests(batch.filter(pc.greater(values, mark))))


def _digests(rows: pa.RecordBatch) -> Iterator[str]:
    columns = [name for name in rows.schema.names if name not in LINEAGE_COLUMNS]
    return (row_digest(row) for row in rows.select(columns).to_pylist())


def _batches(part: Part, places: Places) -> Iterator[pa.RecordBatch]:
    with places.at(part.uri).open("rb") as file:
        yield from pq.ParquetFile(file).iter_batches()


def _cursor(batch: pa.RecordBatch, field: str) -> pa.Array:
    folded = {name.casefold(): name for name in batch.schema.names}
    return batch.column(folded[field.casefold()])
