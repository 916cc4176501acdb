"""What the parts of a run look like: evidence from the beginning, middle and end of each of them.

Samples only propose a schema. What they get wrong costs a second reading of the parts that differ, never a wrong value.
"""

from __future__ import annotations

from finport_ingestion.engine.convert.interface import Origin, RawFile, Reader
from finport_ingestion.engine.convert.settle import AnyEvidence, Seen, Terms, observe

_BUDGET_BYTES = 96 << 20
_LEAST_BYTES = 16 << 10
_MOST_BYTES = 1 << 20
_FIELD = frozenset({Origin.FIELD})


def slice_size(parts: int) -> int:
    """How many bytes to look at in each of a part's three places; thousands of parts cost no more than a few."""
    return max(_LEAST_BYTES, min(_MOST_BYTES, _BUDGET_BYTES // (3 * max(parts, 1))))


def sample(raw: RawFile, reader: Reader, *, terms: Terms, size_bytes: int, from_fields: bool) -> Seen:
    """The evidence of some records of `raw`.

    Raises:
        FormatError: The bytes are not of the reader's format.
    """
    evidence: dict[str, AnyEvidence] = {}
    originals: dict[str, str] = {}
    for batch in reader.sample(raw, size_bytes=size_bytes):
        originals.update(batch.originals)
        for key, values in zip(batch.columns.schema.names, batch.columns.columns, strict=True):
            origins = batch.origins.get(key, _FIELD)
            if from_fields and Origin.STRING in origins:
                origins = origins - {Origin.STRING} | _FIELD
            evidence[key], _ = observe(values, key=key, known=evidence.get(key), origins=origins, terms=terms)
    return Seen(uri=raw.uri, evidence=evidence, originals=originals)
