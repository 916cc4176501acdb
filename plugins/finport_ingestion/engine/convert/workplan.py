"""What the split decides for all batches: each part's format, the proposed schema, who converts what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finport_ingestion.engine.convert.columns import TargetSchema
from finport_ingestion.engine.convert.increment import Cursor
from finport_ingestion.engine.convert.settle import Seen

FILE_NAME = "schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPlan:
    """Written by the split, read by every batch and by the seal."""

    schema: TargetSchema
    samples: tuple[Seen, ...]
    options: tuple[Mapping[str, Any], ...]  # of each part's format, in the order of the upstream manifest
    batches: tuple[tuple[int, ...], ...]  # numbers of parts
    typed: bool
    cursor: Cursor | None = None
    notes: Sequence[str] = field(default=())

    def to_json(self) -> bytes:
        document = {
            "columns": [column.to_plain() for column in self.schema.columns],
            "dropped": sorted(self.schema.dropped),
            "samples": [seen.to_plain() for seen in self.samples],
            "options": [dict(options) for options in self.options],
            "batches": [list(batch) for batch in self.batches],
            "typed": self.typed,
            "cursor": self.cursor.to_plain() if self.cursor else None,
            "notes": list(self.notes),
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    @staticmethod
    def from_json(document: bytes) -> WorkPlan:
        fields = json.loads(document)
        typed = fields["typed"]
        return WorkPlan(
            schema=TargetSchema.from_plain(fields),
            samples=tuple(Seen.from_plain(seen, typed=typed) for seen in fields["samples"]),
            options=tuple(fields["options"]),
            batches=tuple(tuple(batch) for batch in fields["batches"]),
            typed=typed,
            cursor=Cursor.from_plain(fields["cursor"]) if fields["cursor"] else None,
            notes=tuple(fields["notes"]),
        )
