"""What the parts of a run look like: evidence from the beginning, middle and end of each of them.

Samples only propose a schema. What they get wrong costs a second reading of the parts that differ, never a wrong value.
"""

from __future__ import annotations

from finport_ingestion.engine.convert.interface import RawFile, Reader
from finport_ingestion.engine.convert.settle import Seen
from finport_ingestion.engine.convert.table_pass import Job, Witness

_BUDGET_BYTES = 96 << 20
_LEAST_BYTES = 16 << 10
_MOST_BYTES = 1 << 20


def slice_size(parts: int) -> int:
    """How many bytes to look at in each of a part's three places; thousands of parts cost no more than a few."""
    return max(_LEAST_BYTES, min(_MOST_BYTES, _BUDGET_BYTES // (3 * max(parts, 1))))


def sample(raw: RawFile, reader: Reader, *, job: Job, size_bytes: int) -> dict[str, Seen]:
    """The evidence of some records of each table of `raw`, by the table's name.

    Raises:
        FormatError: The bytes are not of the reader's format.
    """
    witnesses: dict[str, Witness] = {}
    for batch in reader.sample(raw, size_bytes=size_bytes):
        witnesses.setdefault(batch.table, Witness(uri=raw.uri, job=job)).observe(batch)
    return {table: witness.seen() for table, witness in witnesses.items()}
