"""Expectations that SQL is not written for: Great Expectations computes and judges them on pandas.

Only the columns that the expectation speaks of are read. A type that looks at one record at a time is checked part by
part; any other on the whole column at once. Decimals stay decimals and integers integers on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from finport_ingestion.engine.validate.columns import staged_columns
from finport_ingestion.engine.validate.findings import texts_of
from finport_ingestion.engine.validate.rules import GxCheck, Rule, Severity
from finport_ingestion.engine.validate.staged import Staged

if TYPE_CHECKING:
    import pandas as pd

_RECORD_BY_RECORD = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_dateutil_parseable",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_not_match_regex_list",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_select_column_values_to_be_unique_within_record",
    }
)
"""Sorted by name. The verdict on a record depends on nothing but the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GxVerdict:
    """What Great Expectations says of one expectation."""

    success: bool
    considered: int = 0
    unexpected: int = 0
    observed: Any = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Slice:
    """Consecutive parts as one frame, and where each of its rows comes from."""

    frame: pd.DataFrame
    parts: range
    row_counts: tuple[int, ...]

    def places(self, rows: Sequence[int]) -> tuple[list[int], list[int]]:
        """Part indexes and positions of the frame's rows."""
        import numpy as np

        ends = np.cumsum(self.row_counts)
        wanted = np.asarray(rows, dtype=np.int64)
        inside = np.searchsorted(ends, wanted, side="right")
        starts = np.concatenate(([0], ends))[inside]
        return (inside + self.parts.start).tolist(), (wanted - starts).tolist()


def check_through_gx(staged: Staged, rule: Rule, number: int) -> GxVerdict:
    """The verdict; records that break the rule are added to the findings under `number`."""
    assert isinstance(rule.check, GxCheck)
    verdicts = []
    for piece in _slices(staged, rule):
        staged.deadline.check()
        verdict, rows = _judge(rule, piece.frame)
        verdicts.append(verdict)
        if verdict.problem:
            break
        if rows:
            _add_findings(staged, rule, number=number, places=piece.places(rows))
    return _together(rule, verdicts)


def _slices(staged: Staged, rule: Rule) -> Iterator[_Slice]:
    assert isinstance(rule.check, GxCheck)
    wanted = staged.record_schema.names if rule.check.everything else list(rule.columns)
    every_part = range(len(staged.paths))
    pieces = [range(i, i + 1) for i in every_part] if rule.type in _RECORD_BY_RECORD else [every_part]
    for parts in pieces:
        tables = []
        for index in parts:
            with staged.paths[index].open("rb") as file:
                tables.append(pq.ParquetFile(file).read(columns=wanted))
        frame = pa.concat_tables(tables).to_pandas(integer_object_nulls=True, ignore_metadata=True)
        yield _Slice(frame, parts, tuple(len(table) for table in tables))


def _judge(rule: Rule, frame: pd.DataFrame) -> tuple[GxVerdict, list[int]]:
    from finport_ingestion.engine.validate.gx_judge import compute

    result = compute(rule, frame)
    if result.exception_info.get("raised_exception"):
        kind = result.exception_info["exception_message"]
        return GxVerdict(success=False, problem=f"Great Expectations cannot check it on this data ({kind})"), []
    facts = result.result
    if "unexpected_count" not in facts:
        return GxVerdict(success=bool(result.success), observed=_plain(facts.get("observed_value"))), []
    verdict = GxVerdict(
        success=bool(result.success),
        considered=int(facts["element_count"]) - int(facts.get("missing_count") or 0),
        unexpected=int(facts["unexpected_count"]),
    )
    return verdict, [int(row) for row in facts.get("unexpected_index_list") or ()]


def _add_findings(staged: Staged, rule: Rule, *, number: int, places: tuple[list[int], list[int]]) -> None:
    table = pa.table({"part_index": pa.array(places[0], pa.int32()), "position": pa.array(places[1], pa.int64())})
    texts = texts_of(rule, staged_columns(staged.record_schema))
    staged.connection.register("hits", table)
    staged.run(
        f"INSERT INTO findings SELECT part_index, position, {number}, {rule.severity is Severity.REJECT},"  # noqa: S608
        f" landed_part, landed_row, {texts}, NULL FROM staged SEMI JOIN hits USING (part_index, position)"
    )
    staged.connection.unregister("hits")


def _together(rule: Rule, verdicts: Sequence[GxVerdict]) -> GxVerdict:
    broken = next((verdict for verdict in verdicts if verdict.problem), None)
    if broken or len(verdicts) == 1:
        return broken or verdicts[0]
    considered = sum(verdict.considered for verdict in verdicts)
    unexpected = sum(verdict.unexpected for verdict in verdicts)
    success = (considered - unexpected) >= rule.mostly * considered
    return GxVerdict(success=success, considered=considered, unexpected=unexpected)


def _plain(observed: Any) -> Any:
    """A number or text, where numpy gives something else."""
    return observed.tolist() if hasattr(observed, "tolist") else observed
