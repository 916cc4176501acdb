"""What the parts of a run look like: evidence from the beginning, middle and end of each of them.

Samples only propose a schema. What they get wrong costs a second reading of the parts that differ, never a wrong value.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def deal(sizes: Sequence[int], *, batches: int) -> list[list[int]]:
    """Numbers of parts dealt into at most `batches` groups of about the same size; small ones share a group.

    Deterministic; within a group parts keep their order.
    """
    total = sum(sizes)
    wanted = max(1, min(batches, len(sizes), -(-total // _LEAST_BATCH_BYTES)))
    groups: list[list[int]] = [[] for _ in range(wanted)]
    loads = [0] * wanted
    for index in sorted(range(len(sizes)), key=lambda at: (-sizes[at], at)):
        lightest = loads.index(min(loads))
        groups[lightest].append(index)
        loads[lightest] += sizes[index]
    return [sorted(group) for group in groups]


_LEAST_BATCH_BYTES = 8 << 20
