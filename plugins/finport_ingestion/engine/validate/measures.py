"""Every figure of a delivery and every finding of its records, by one scan, and a second where something fails.

The first scan counts: rows, missing values per column, records that take part in and break each rule, aggregates. Only
rules that some record breaks are looked at again, to say which records; keys are compared by hash first, then exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from finport_ingestion.engine.validate.columns import StagedColumn
from finport_ingestion.engine.validate.duplicates import Duplicates, find_duplicates
from finport_ingestion.engine.validate.findings import count_rejected, create_findings, find_records, reject_counts
from finport_ingestion.engine.validate.rules import (
    AggregateCheck,
    GxCheck,
    Impossible,
    RecordCheck,
    Rule,
    SchemaCheck,
    Severity,
    UniqueCheck,
)
from finport_ingestion.engine.validate.staged import Staged
from finport_ingestion.engine.validate.suite import Suite
from finport_ingestion.engine.validate.through_gx import GxVerdict, check_through_gx


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one rule."""

    rule: Rule
    success: bool
    considered: int = 0  # records that take part
    unexpected: int = 0  # records that break it, as Great Expectations counts them
    rejected: int = 0  # records in quarantine for it (of a duplicate key all but the first)
    observed: Any = None  # what an aggregate or schema rule saw
    problem: str | None = None  # why it could not be checked
    judged_by: str = "duckdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The figures of one delivery, before any judgement."""

    row_count: int
    missing: Mapping[str, int]  # nulls by column, in the data's order
    outcomes: tuple[Outcome, ...]
    rejected: int  # records that break a rejecting rule
    invalid: int  # those of them that break another rule than uniqueness of the key
    incomplete: int  # records in which a required value is missing
    repeated: int  # records whose key was seen before, among all records
    keyed: bool  # whether there is a key to compare


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the first scan saw."""

    row_count: int
    missing: Mapping[str, int]
    incomplete: int
    values: Mapping[str, tuple[Any, ...]]  # by rule id

    def failing(self, rule: Rule) -> int:
        return int(self.values[rule.id][1])


def measure(staged: Staged, suite: Suite) -> Measures:
    """All figures; the findings stay in the table `findings` of the staged database (see findings.py)."""
    create_findings(staged)
    if not staged.paths:
        return _nothing(suite)
    counted = _first_scan(staged, suite)
    find_records(staged, _broken(suite, counted), columns=suite.columns)
    through_gx = {
        rule.id: check_through_gx(staged, rule, number)
        for number, rule in enumerate(suite.rules)
        if isinstance(rule.check, GxCheck)
    }
    invalid = count_rejected(staged, suite.rules)
    duplicates = {
        rule.id: find_duplicates(staged, rule, number=number, suite=suite)
        for number, rule in enumerate(suite.rules)
        if isinstance(rule.check, UniqueCheck)
    }
    rejected_by_rule = reject_counts(staged)
    key_rule = next((rule for rule in suite.rules if _is_key(rule, suite)), None)
    outcomes = tuple(
        _outcome(
            rule,
            counted=counted,
            verdict=through_gx.get(rule.id),
            duplicates=duplicates.get(rule.id),
            rejected=rejected_by_rule.get(number, 0),
        )
        for number, rule in enumerate(suite.rules)
    )
    return Measures(
        row_count=counted.row_count,
        missing=counted.missing,
        outcomes=outcomes,
        rejected=count_rejected(staged, suite.rules),
        invalid=invalid,
        incomplete=counted.incomplete,
        repeated=duplicates[key_rule.id].repeated if key_rule else 0,
        keyed=key_rule is not None,
    )


def _is_key(rule: Rule, suite: Suite) -> bool:
    return isinstance(rule.check, UniqueCheck) and rule.check.columns == suite.key


def _broken(suite: Suite, counted: _Counted) -> dict[int, Rule]:
    """The rules over single records that some record breaks, by number; those that only count nulls name no record."""
    return {
        number: rule
        for number, rule in enumerate(suite.rules)
        if isinstance(rule.check, RecordCheck) and rule.severity is not Severity.GATE and counted.failing(rule)
    }


def _first_scan(staged: Staged, suite: Suite) -> _Counted:
    required = [suite.columns[name].missing for name in suite.required]
    wanted: list[tuple[str, ...]] = [("count(*)",), (f"count(*) FILTER (WHERE {' OR '.join(required) or 'FALSE'})",)]
    wanted += [(_missing(column),) for column in suite.columns.values()]
    wanted += [_expressions(rule) for rule in suite.rules]
    [values] = staged.query(f"SELECT {', '.join(sql for group in wanted for sql in group)} FROM staged")  # noqa: S608
    groups = iter(values)
    grouped = [tuple(next(groups) for _ in group) for group in wanted]
    first_rule = 2 + len(suite.columns)
    return _Counted(
        row_count=grouped[0][0],
        incomplete=grouped[1][0],
        missing={name: group[0] for name, group in zip(suite.columns, grouped[2:first_rule], strict=True)},
        values={rule.id: group for rule, group in zip(suite.rules, grouped[first_rule:], strict=True)},
    )


def _missing(column: StagedColumn) -> str:
    return f"count(*) FILTER (WHERE {column.missing})"


def _expressions(rule: Rule) -> tuple[str, ...]:
    check = rule.check
    if isinstance(check, RecordCheck):
        return tuple(f"count(*) FILTER (WHERE {test})" for test in (check.considered, check.failing))
    if isinstance(check, UniqueCheck):
        return (f"count(*) FILTER (WHERE {check.considered})",)
    if isinstance(check, AggregateCheck):
        return (check.value, check.holds) if check.holds else (check.value,)
    return ()


def _outcome(
    rule: Rule, *, counted: _Counted, verdict: GxVerdict | None, duplicates: Duplicates | None, rejected: int
) -> Outcome:
    check, values = rule.check, counted.values[rule.id]
    if isinstance(check, Impossible):
        return Outcome(rule=rule, success=False, problem=check.problem)
    if isinstance(check, SchemaCheck):
        return Outcome(rule=rule, success=check.holds, observed=check.observed)
    if isinstance(check, AggregateCheck):
        holds = bool(values[1]) if check.holds else check.bounds.hold(values[0])
        return Outcome(rule=rule, success=holds, observed=values[0])
    if verdict is not None:
        return Outcome(
            rule=rule,
            success=verdict.success,
            considered=verdict.considered,
            unexpected=verdict.unexpected,
            rejected=rejected,
            observed=verdict.observed,
            problem=verdict.problem,
            judged_by="great_expectations",
        )
    unexpected = duplicates.members if duplicates else int(values[1])
    return Outcome(
        rule=rule,
        success=_mostly(rule, considered=values[0], unexpected=unexpected),
        considered=values[0],
        unexpected=unexpected,
        rejected=rejected,
    )


def _mostly(rule: Rule, *, considered: int, unexpected: int) -> bool:
    return considered == 0 or Fraction(considered - unexpected, considered) >= rule.mostly


def _nothing(suite: Suite) -> Measures:
    outcomes = tuple(
        Outcome(rule=rule, success=rule.check.bounds.hold(0), observed=0)
        for rule in suite.rules
        if isinstance(rule.check, AggregateCheck)
    )
    return Measures(
        row_count=0, missing={}, outcomes=outcomes, rejected=0, invalid=0, incomplete=0, repeated=0, keyed=False
    )
