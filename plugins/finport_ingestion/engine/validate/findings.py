"""Which record breaks which rule: a table `findings` in the step's database.

| column | holds |
|---|---|
| `part_index`, `position` | the staged row |
| `rule` | the rule's number in the suite |
| `rejects` | whether the record goes to quarantine for it |
| `texts` | the exact texts of the rule's columns, not masked |
| `detail` | what is to be said beyond the rule itself, without values; or null |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from finport_ingestion.engine.validate.columns import StagedColumn
from finport_ingestion.engine.validate.rules import RecordCheck, Rule, Severity
from finport_ingestion.engine.validate.staged import Staged


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One record that breaks a rule."""

    part: str  # landed
    row: int  # in the landed part
    texts: tuple[str | None, ...]  # not masked
    detail: str | None


def create_findings(staged: Staged) -> None:
    """An empty table."""
    staged.connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings (part_index INTEGER, position BIGINT, rule INTEGER, rejects BOOLEAN,"
        " landed_part VARCHAR, landed_row BIGINT, texts VARCHAR[], detail VARCHAR)"
    )


def find_records(staged: Staged, rules: Mapping[int, Rule], *, columns: Mapping[str, StagedColumn]) -> None:
    """Add the records that break any of `rules` (by number), with one scan."""
    if not rules:
        return
    hits, anyone = [], []
    for number, rule in rules.items():
        assert isinstance(rule.check, RecordCheck)
        texts = texts_of(rule, columns)
        rejects = rule.severity is Severity.REJECT
        found = f"struct_pack(rule := {number}, rejects := {rejects}, texts := {texts})"
        hits.append(f"CASE WHEN {rule.check.failing} THEN {found} END")
        anyone.append(f"({rule.check.failing})")
    staged.run(
        "INSERT INTO findings SELECT part_index, position, hit.rule, hit.rejects, landed_part, landed_row, hit.texts,"  # noqa: S608
        f" NULL FROM (SELECT part_index, position, landed_part, landed_row, unnest([{', '.join(hits)}]) AS hit"
        f" FROM staged WHERE {' OR '.join(anyone)}) WHERE hit IS NOT NULL"
    )


def texts_of(rule: Rule, columns: Mapping[str, StagedColumn]) -> str:
    """SQL of the exact texts of a rule's columns."""
    return f"[{', '.join(columns[name].text for name in rule.columns)}]::VARCHAR[]"


def count_rejected(staged: Staged, rules: Sequence[Rule]) -> int:
    """How many records go to quarantine so far."""
    if not rules:
        return 0
    [(count,)] = staged.connection.execute(
        "SELECT count(*) FROM (SELECT DISTINCT part_index, position FROM findings WHERE rejects)"
    ).fetchall()
    return int(count)


def reject_counts(staged: Staged) -> dict[int, int]:
    """How many records go to quarantine for each rule, by its number; a record counts for every rule it breaks."""
    rows = staged.connection.execute("SELECT rule, count(*) FROM findings WHERE rejects GROUP BY rule").fetchall()
    return dict(rows)


def rejected_in(staged: Staged, part_index: int) -> pa.Table:
    """The findings of the records of one part that go to quarantine: position, rule, texts, detail, in order.

    Warnings about a record that is rejected anyway are among them; they say what else is wrong with it.
    """
    return staged.table(
        "SELECT position, rule, texts, detail FROM findings"  # noqa: S608
        f" WHERE part_index = {part_index} AND position IN"
        f" (SELECT position FROM findings WHERE part_index = {part_index} AND rejects)"
        " ORDER BY position, rejects DESC, rule"
    )


def nulled_in(staged: Staged, part_index: int, rules: Sequence[Rule]) -> dict[str, list[int]]:
    """By column, the positions in a part whose value is discarded, in order."""
    numbers = {number: rule.columns[0] for number, rule in enumerate(rules) if rule.severity is Severity.DISCARD}
    rows = staged.connection.execute(
        "SELECT DISTINCT rule, position FROM findings WHERE part_index = ? ORDER BY position", [part_index]
    ).fetchall()
    nulled: dict[str, list[int]] = {}
    for rule, position in rows:
        if rule in numbers:
            nulled.setdefault(numbers[rule], []).append(position)
    return {column: sorted(set(positions)) for column, positions in nulled.items()}


def touched_parts(staged: Staged) -> set[int]:
    """The indexes of the parts in which anything was found."""
    return {index for (index,) in staged.connection.execute("SELECT DISTINCT part_index FROM findings").fetchall()}


def samples_of(staged: Staged, rule: int, *, limit: int) -> tuple[Sample, ...]:
    """The first records that break a rule, in the order of delivery."""
    rows = staged.connection.execute(
        "SELECT landed_part, landed_row, texts, detail FROM findings WHERE rule = ?"
        " ORDER BY part_index, position LIMIT ?",
        [rule, limit],
    ).fetchall()
    return tuple(Sample(part=part, row=row, texts=tuple(texts), detail=detail) for part, row, texts, detail in rows)
