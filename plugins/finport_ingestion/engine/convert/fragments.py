"""What a batch leaves behind: `batch-NNNN.json`, written when its files are whole, and its quarantine file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from finport_ingestion.engine.convert.results import PartResult, part_from_plain
from finport_ingestion.engine.files import write_bytes
from finport_ingestion.engine.records import Part
from finport_ingestion.engine.rejects import read_rejects, write_rejects
from finport_ingestion.engine.step import StepContext


@dataclass(frozen=True, slots=True)
class Fragment:
    """The parts of one batch, and its quarantine file."""

    results: tuple[PartResult, ...]
    rejects: Part | None


def read_fragment(context: StepContext, batch: int, *, typed: bool) -> Fragment | None:
    """What the batch left; None where it is not complete: no fragment, or a file of it missing or of another size."""
    path = context.folder("staging") / f"batch-{batch:04d}.json"
    if not path.exists():
        return None
    fields = json.loads(path.read_bytes())
    rejects = part_from_plain(fields["rejects"]) if fields["rejects"] else None
    fragment = Fragment(tuple(PartResult.from_plain(found, typed=typed) for found in fields["results"]), rejects)
    files = [result.part for result in fragment.results] + ([rejects] if rejects else [])
    return fragment if all(is_whole(part, context) for part in files) else None


def write_fragment(context: StepContext, batch: int, fragment: Fragment) -> None:
    """Say that the batch is complete."""
    document = {
        "results": [result.to_plain() for result in fragment.results],
        "rejects": dataclasses.asdict(fragment.rejects) if fragment.rejects else None,
    }
    content = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    write_bytes(context.folder("staging") / f"batch-{batch:04d}.json", content)


def is_whole(part: Part, context: StepContext) -> bool:
    path = context.places.at(part.uri)
    return path.exists() and path.stat().st_size == part.size_bytes


def assemble_rejects(results: Iterable[PartResult], *, batch: int, context: StepContext) -> Part | None:
    """Write the quarantine file of a batch out of those of its parts, in their order."""
    path = context.folder("quarantine") / f"convert-{batch:04d}.parquet"
    parts = [result.rejects for result in results if result.rejects is not None]
    return write_rejects(path, _rows(parts, context), uri=context.places.relative(path))


def _rows(parts: Sequence[Part], context: StepContext) -> Iterator[pa.RecordBatch]:
    for part in parts:
        yield from read_rejects(context.places.at(part.uri))
