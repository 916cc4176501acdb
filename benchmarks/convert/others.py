"""JSON Lines, XML, XLSX, Avro, fixed width, ORC: each beside the engine that people take for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.convert.inputs import delimited, tables, texts
from benchmarks.convert.inputs.kept import size_of
from benchmarks.convert.inputs.trades import COLUMNS
from benchmarks.convert.race import OURS, Contestant, Race, run_race
from benchmarks.convert.truth import Truth
from benchmarks.measured import By, Goal, Outcome
from benchmarks.registry import Effort

_QUICK_SHARE, _WARM_SHARE = 10, 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A format, and who else reads it."""

    title: str
    made: Callable[[int], Path]
    rows: int
    peer: str
    module: str
    kind: str
    at_most: float
    """Of the wall time of the peer."""
    packages: Sequence[str]
    ours: str = "recognised"
    columns: Sequence[str] = COLUMNS
    replaced: str = ""
    added: str = ""

    def __call__(self, effort: Effort) -> Outcome:
        """Both of them, with the same trades.

        Raises:
            RuntimeError: One failed, or ours wrote anything else than stands in the file.
        """
        rows = self.rows // _QUICK_SHARE if effort.quick else self.rows
        warm_up, measured = self.made(self.rows // _WARM_SHARE), self.made(rows)
        modules = {OURS: ("ours", self.ours), self.peer: (self.module, self.kind)}
        truth = Truth(
            source=delimited.csv(rows), rows=rows, columns=self.columns, replaced=self.replaced, added=self.added
        )
        race = Race(
            title=self.title,
            contestants={
                name: Contestant(module=module, kind=kind, warm_up=warm_up, measured=measured)
                for name, (module, kind) in modules.items()
            },
            goals=(Goal(contestant=OURS, reference=self.peer, at_most=self.at_most, by=By.WALL),),
            check=truth.check,
            packages=self.packages,
            facts={"input": f"{size_of(measured) / 1e6:.0f} MB, {rows} trades of {len(self.columns)} columns"},
        )
        return run_race(race, effort)


ndjson = Pair(
    title="JSON Lines to Parquet",
    made=texts.ndjson,
    rows=1_400_000,
    peer="DuckDB",
    module="duckdb_copy",
    kind="ndjson",
    at_most=1 / 0.9,
    packages=("pyarrow", "duckdb"),
)
"""Trades as JSON Lines, 340 MB."""
xml = Pair(
    title="XML to Parquet",
    made=texts.xml,
    rows=760_000,
    peer="lxml iterparse",
    module="lxml_iterparse",
    kind="xml",
    at_most=1 / 1.5,
    packages=("pyarrow", "lxml"),
    columns=texts.XML_COLUMNS,
    added=f"{texts.party_of('trade_id')} as party",
)
"""Trades as XML, 270 MB."""
xlsx = Pair(
    title="XLSX to Parquet",
    made=tables.xlsx,
    rows=200_000,
    peer="Polars",
    module="polars_sink",
    kind="xlsx",
    at_most=1 / 0.9,
    packages=("pyarrow", "fastexcel", "polars"),
    columns=tables.SHEET_COLUMNS,
    replaced="ts[:19] as ts",
)
"""Trades as a sheet of 200,000 rows."""
avro = Pair(
    title="Avro to Parquet",
    made=tables.avro,
    rows=2_000_000,
    peer="Polars",
    module="polars_sink",
    kind="avro",
    at_most=1 / 0.9,
    packages=("pyarrow", "polars"),
)
"""Trades as deflated Avro, 2 million records."""
fixed_width = Pair(
    title="Fixed width to Parquet",
    made=texts.fixed_width,
    rows=2_650_000,
    peer="Polars",
    module="polars_sink",
    kind="fixed_width",
    at_most=1 / 0.9,
    packages=("pyarrow", "polars"),
    ours="fixed_width",
)
"""Trades as fixed width, 340 MB."""
orc = Pair(
    title="ORC to Parquet",
    made=tables.orc_file,
    rows=4_000_000,
    peer="pyarrow",
    module="arrow_orc",
    kind="orc",
    at_most=1 / 1.5,
    packages=("pyarrow",),
)
"""Trades as ORC, 4 million records."""
