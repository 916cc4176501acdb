"""FIX and MT940: how fast, against the floor that holds for every format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.convert.delimited import LEAST_BYTES_PER_SECOND
from benchmarks.convert.inputs import messages
from benchmarks.convert.inputs.kept import size_of
from benchmarks.convert.race import OURS, Contestant, Race, run_race
from benchmarks.measured import Floor, Outcome
from benchmarks.registry import Effort

_MESSAGES, _QUICK_MESSAGES, _WARM_MESSAGES = 320_000, 40_000, 500
_STATEMENTS, _QUICK_STATEMENTS, _WARM_STATEMENTS = 6_000, 600, 20


def fix(effort: Effort) -> Outcome:
    """Execution reports, 110 MB.

    Raises:
        RuntimeError: Not every message became a record.
    """
    count = _QUICK_MESSAGES if effort.quick else _MESSAGES
    return _alone("FIX to Parquet", messages.fix(_WARM_MESSAGES), messages.fix(count), "messages", count, effort)


def mt940(effort: Effort) -> Outcome:
    """Statements, 55 MB.

    Raises:
        RuntimeError: Not every entry became a record.
    """
    statements = _QUICK_STATEMENTS if effort.quick else _STATEMENTS
    entries = statements * messages.ENTRIES_PER_STATEMENT
    measured = messages.mt940(statements)
    return _alone("MT940 to Parquet", messages.mt940(_WARM_STATEMENTS), measured, "transactions", entries, effort)


def _alone(title: str, warm_up: Path, measured: Path, table: str, records: int, effort: Effort) -> Outcome:
    contestants = {OURS: Contestant(module="ours", kind="recognised", warm_up=warm_up, measured=measured)}
    race = Race(
        title=title,
        contestants=contestants,
        goals=(Floor(contestant=OURS, per_second=LEAST_BYTES_PER_SECOND),),
        check=_counted(table, records),
        packages=("pyarrow",),
        facts={"input": f"{size_of(measured) / 1e6:.0f} MB, {records} {table}"},
    )
    return run_race(race, effort)


def _counted(table: str, records: int) -> Callable[[str, Sequence[Path], bool], None]:
    """Whether as many records came out as went in; the other tables of a format follow from them."""

    def check(name: str, files: Sequence[Path], whole: bool) -> None:
        found = sum(pq.read_metadata(path).num_rows for path in files if path.parent.name == table)
        if found != records:
            raise RuntimeError(f"{name} wrote {found} {table} of {records}")

    return check
