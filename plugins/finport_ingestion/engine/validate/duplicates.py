"""Records that share a key: the first one of the delivery stays, later ones are rejected.

The first is looked for among the records that nothing else rejects, so that a key does not go under with a bad record.
Keys are compared by a 64-bit hash over the whole delivery, and exactly among the records whose hash occurs twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from finport_ingestion.engine.validate.findings import texts_of
from finport_ingestion.engine.validate.rules import Rule, Severity, UniqueCheck
from finport_ingestion.engine.validate.staged import Staged
from finport_ingestion.engine.validate.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """How often a key occurs more than once, over all records."""

    members: int = 0  # records whose key another record has too
    repeated: int = 0  # those of them whose key was seen before


def find_duplicates(staged: Staged, rule: Rule, *, number: int, suite: Suite) -> Duplicates:
    """Count them, and add the later ones to the findings, with what they differ in from the record that stays."""
    check = rule.check
    assert isinstance(check, UniqueCheck)
    keys = ", ".join(suite.columns[name].sql for name in check.columns)
    staged.run(
        f"CREATE OR REPLACE TEMP TABLE twins AS SELECT hash({keys}) AS digest FROM staged WHERE {check.considered}"  # noqa: S608
        " GROUP BY digest HAVING count(*) > 1"
    )
    if staged.connection.execute("SELECT count(*) FROM twins").fetchall() == [(0,)]:
        return Duplicates()
    staged.run(
        "CREATE OR REPLACE TEMP TABLE members AS SELECT * FROM"  # noqa: S608
        f" (SELECT *, hash({keys}) AS digest FROM staged WHERE {check.considered}) SEMI JOIN twins USING (digest)"
    )
    [(members, groups)] = staged.connection.execute(
        f"SELECT sum(n), count(*) FROM (SELECT count(*) AS n FROM members GROUP BY {keys} HAVING n > 1)"  # noqa: S608
    ).fetchall()
    if groups:
        staged.run(_later_members(rule, number=number, keys=keys, suite=suite))
    staged.connection.execute("DROP TABLE members")
    return Duplicates(members=int(members or 0), repeated=int((members or 0) - groups))


def _later_members(rule: Rule, *, number: int, keys: str, suite: Suite) -> str:
    others = [column for column in suite.columns.values() if column.name not in rule.columns]
    differing = [
        f"CASE WHEN {column.sql} IS DISTINCT FROM first_value({column.sql}) OVER same THEN {_quoted(column.name)} END"
        for column in others
    ]
    listed = f"array_to_string(list_filter([{', '.join(differing)}]::VARCHAR[], lambda name: name IS NOT NULL), ', ')"
    return f"""
    INSERT INTO findings
    SELECT part_index, position, {number}, {rule.severity is Severity.REJECT}, landed_part, landed_row, texts,
        CASE WHEN differing = '' THEN 'the same record' ELSE 'a conflicting record, with another ' || differing END
        || ' as row ' || first_row || ' of ' || first_part
    FROM (
        SELECT part_index, position, landed_part, landed_row, {texts_of(rule, suite.columns)} AS texts,
            row_number() OVER same AS rank, {listed} AS differing,
            first_value(landed_row) OVER same AS first_row, first_value(landed_part) OVER same AS first_part
        FROM members ANTI JOIN (SELECT part_index, position FROM findings WHERE rejects)
            USING (part_index, position)
        WINDOW same AS (PARTITION BY {keys} ORDER BY part_index, position)
    ) WHERE rank > 1
    """  # noqa: S608


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
