"""What the phases of the step leave for each other: the plan of the split, the result of each part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finport_ingestion.engine.convert.increment import Taken
from finport_ingestion.engine.convert.settle import Seen
from finport_ingestion.engine.records import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """One landed part, converted."""

    part: Part  # the written file
    rejects: Part | None  # its records that were set aside, in staging until the batch is whole
    fingerprint: str  # of the schema that it was written with
    layout: str  # of the same, see TargetSchema.layout
    rows_read: int
    rejected: int
    seen: Seen
    taken: Taken | None = None
    nulled: Mapping[str, int] = dataclasses.field(default_factory=dict)  # misfits made null, by column
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)  # e.g. encoding, compression

    def to_plain(self) -> dict[str, Any]:
        return {
            "part": dataclasses.asdict(self.part),
            "rejects": dataclasses.asdict(self.rejects) if self.rejects else None,
            "fingerprint": self.fingerprint,
            "layout": self.layout,
            "rows_read": self.rows_read,
            "rejected": self.rejected,
            "seen": self.seen.to_plain(),
            "taken": self.taken.to_plain() if self.taken else None,
            "nulled": dict(sorted(self.nulled.items())),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "facts": dict(sorted(self.facts.items())),
        }

    @staticmethod
    def from_plain(fields: Mapping[str, Any], *, typed: bool) -> PartResult:
        return PartResult(
            part=part_from_plain(fields["part"]),
            rejects=part_from_plain(fields["rejects"]) if fields["rejects"] else None,
            fingerprint=fields["fingerprint"],
            layout=fields.get("layout", ""),
            rows_read=fields["rows_read"],
            rejected=fields["rejected"],
            seen=Seen.from_plain(fields["seen"], typed=typed),
            taken=Taken.from_plain(fields["taken"]) if fields["taken"] else None,
            nulled=fields["nulled"],
            notes=tuple(fields["notes"]),
            warnings=tuple(fields["warnings"]),
            facts=fields["facts"],
        )


def part_from_plain(fields: Mapping[str, Any]) -> Part:
    return Part(**{**fields, "made_from": tuple(fields["made_from"])})


def condensed(parts: Sequence[Seen]) -> list[Seen]:
    """Parts of one layout as one: what thousands of alike files hold is settled as fast as what a few hold."""
    layouts: dict[tuple[str, ...], Seen] = {}
    for part in parts:
        layout = tuple(part.evidence)
        known = layouts.get(layout)
        layouts[layout] = part if known is None else _merged(known, part)
    return list(layouts.values())


def _merged(known: Seen, other: Seen) -> Seen:
    evidence: dict[str, Any] = {key: known.evidence[key] + other.evidence[key] for key in known.evidence}  # type: ignore[operator]
    originals = {**other.originals, **known.originals}
    types = {**other.types, **known.types}
    delimiter = known.delimiter if known.delimiter == other.delimiter else ""
    return Seen(uri=known.uri, evidence=evidence, originals=originals, types=types, delimiter=delimiter)
