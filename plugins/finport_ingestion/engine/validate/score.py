"""The score of a delivery, and the gate that it passes before anything is published.

score = 30 completeness + 30 validity + 20 uniqueness + 10 conformity + 10 presence, each a share from 0 to 1:

- completeness: records that arrive whole (read, converted, no required value missing) of all that were read;
- validity: converted records that break no rejecting rule but a key's, of all that were read;
- uniqueness: 1 less the share of records whose key was seen before (1 where there is no key);
- conformity: expectations about columns and types that hold, of all such (1 where there are none);
- presence: 1 less the mean share of nulls in the columns not called nullable.

A delivery without records scores 100: nothing is wrong with it, and `minRows` says whether it may be empty.
Shares are exact fractions until they are written down; the score is rounded down to two digits, so that it never
looks better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import ge, le

from finport_ingestion.engine.config.models.settings import QualitySettings
from finport_ingestion.engine.validate.measures import Measures, Outcome
from finport_ingestion.engine.validate.rules import Origin, RecordCheck, SchemaCheck, Severity, UniqueCheck
from finport_ingestion.engine.validate.suite import Suite

WEIGHTS = {"completeness": 30, "validity": 30, "uniqueness": 20, "conformity": 10, "presence": 10}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What the score is made of; each from 0 (all wrong) to 1."""

    completeness: Fraction
    validity: Fraction
    uniqueness: Fraction
    conformity: Fraction
    presence: Fraction
    error: Fraction  # quarantined by conversion or validation, of all records read
    duplicate: Fraction  # records whose key was seen before, of all converted
    worst_null: Fraction  # largest share of nulls in a column not called nullable
    worst_column: str | None

    def of(self, name: str) -> Fraction:
        """The share of that name."""
        share: Fraction = getattr(self, name)
        return share

    @property
    def score(self) -> float:
        total = sum((weight * self.of(name) for name, weight in WEIGHTS.items()), Fraction(0))
        return math.floor(total * 100) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One condition of the gate."""

    name: str  # key of the policy's `quality`, or the id of an expectation
    measured: float | int | None
    allowed: float | int | None
    passed: bool
    told: str  # a sentence with the figures


def shares_of(measures: Measures, suite: Suite, *, rejected_before: int) -> Shares:
    """Exact shares; `rejected_before` records were quarantined by conversion."""
    read = measures.row_count + rejected_before
    nulls = {name: _share(measures.missing[name], measures.row_count) for name in suite.counted if measures.missing}
    worst = max(nulls, key=lambda name: nulls[name], default=None)
    schema = [outcome.success for outcome in measures.outcomes if isinstance(outcome.rule.check, SchemaCheck)]
    duplicate = _share(measures.repeated, measures.row_count)
    return Shares(
        completeness=1 - _share(measures.incomplete + rejected_before, read),
        validity=1 - _share(measures.invalid + rejected_before, read),
        uniqueness=1 - duplicate,
        conformity=Fraction(sum(schema), len(schema)) if schema else Fraction(1),
        presence=1 - sum(nulls.values(), Fraction(0)) / max(len(nulls), 1),
        error=_share(measures.rejected + rejected_before, read),
        duplicate=duplicate,
        worst_null=nulls[worst] if worst else Fraction(0),
        worst_column=worst,
    )


def gate(
    measures: Measures, shares: Shares, *, quality: QualitySettings, rejected_before: int
) -> tuple[Threshold, ...]:
    """Every condition with its verdict: those of the policy, then the expectations that fail the run by themselves."""
    read = measures.row_count + rejected_before
    passed = measures.row_count - measures.rejected
    null_of = f" (column '{shares.worst_column}')" if shares.worst_column and shares.worst_null else ""
    quarantined = f" ({measures.rejected + rejected_before} of {read} records)"
    repeated = f" ({measures.repeated} of {measures.row_count} records)"
    return (
        _threshold("minRows", passed, quality.min_rows, ge),
        _threshold("minCompleteness", shares.completeness, quality.min_completeness, ge),
        _threshold("maxNullShare", shares.worst_null, quality.max_null_share, le, note=null_of),
        _threshold("maxDuplicateShare", shares.duplicate, quality.max_duplicate_share, le, note=repeated),
        _threshold("maxErrorShare", shares.error, quality.max_error_share, le, note=quarantined),
        _threshold("minScore", shares.score, quality.min_score, ge),
        *(_expectation(outcome) for outcome in measures.outcomes if fails_alone(outcome)),
    )


def fails_alone(outcome: Outcome) -> bool:
    """Whether the outcome breaks the gate by itself: no quarantined record makes good for it.

    That is a rule that could not be checked, one over columns or a whole table, and one whose own tolerance (`mostly`)
    is exceeded. What the policy asks for is measured by its thresholds.
    """
    rule = outcome.rule
    if outcome.success or rule.severity is Severity.WARN or rule.origin is Origin.POLICY:
        return False
    if outcome.problem or rule.severity is Severity.GATE or "mostly" in rule.arguments:
        return True
    single = isinstance(rule.check, RecordCheck | UniqueCheck) or outcome.considered > 0
    return not single


def _threshold(
    name: str,
    measured: Fraction | float,
    allowed: float,
    passes: Callable[[Fraction, Fraction], bool],
    *,
    note: str = "",
) -> Threshold:
    least = passes is ge
    exact = measured if isinstance(measured, Fraction) else Fraction(repr(measured))
    passed = passes(exact, Fraction(repr(allowed)))
    limit = f"{'at least' if least else 'at most'} {_percent(name, allowed)}"
    shown = float(measured) if isinstance(measured, Fraction) else measured
    told = f"{name}: {_percent(name, shown)}{note}, {limit} allowed"
    return Threshold(name=name, measured=shown, allowed=allowed, passed=passed, told=told)


def _expectation(outcome: Outcome) -> Threshold:
    rule = outcome.rule
    if outcome.problem:
        told = f"{rule.id}: {outcome.problem}"
    elif outcome.considered:
        told = f"{rule.id}: {outcome.unexpected} of {outcome.considered} records break it, beyond its mostly"
    else:
        told = f"{rule.id}: does not hold"
    return Threshold(name=rule.id, measured=None, allowed=None, passed=False, told=told)


def _share(count: int, of: int) -> Fraction:
    return Fraction(count, of) if of else Fraction(0)


def _percent(name: str, value: float) -> str:
    return f"{value:g}" if name in ("minRows", "minScore") else f"{100 * value:.4g} %"
