"""CSV: one large file, compressed ones, very large ones, and very many small ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.convert.inputs import delimited
from benchmarks.convert.inputs.kept import free_bytes, size_of
from benchmarks.convert.race import OURS, Contestant, Race, run_race
from benchmarks.convert.truth import Truth
from benchmarks.measured import By, Ceiling, Floor, Goal, Outcome
from benchmarks.registry import Effort

DUCKDB, POLARS, DLT = "DuckDB", "Polars", "dlt"
SMALL, LARGE = "ours, 1 GB", "ours, 10 GB"
PER_FILE = "a process per file"
LEAST_BYTES_PER_SECOND = 50e9 / 3600
"""50 GB an hour: what a process is to reach with any format."""
_MEMORY = 1_000_000_000
_ROWS, _QUICK_ROWS, _WARM_ROWS = 5_600_000, 300_000, 150_000
_FILES, _QUICK_FILES, _WARM_FILES = 10_000, 200, 5
_FILES_BY_PROCESS, _QUICK_FILES_BY_PROCESS, _WARM_FILES_BY_PROCESS = 20, 3, 1
_TIMES = {SMALL: 2, LARGE: 16}
_AS_MUCH = 1.1
"""The same memory, but for the noise between two runs."""


def csv(effort: Effort) -> Outcome:
    """Trades, 650 MB.

    Raises:
        RuntimeError: A contestant failed, or ours wrote anything else than stands in the file.
    """
    modules = {
        OURS: ("ours", "recognised"),
        DUCKDB: ("duckdb_copy", "csv"),
        POLARS: ("polars_sink", "csv"),
        DLT: ("dlt_pipeline", "csv"),
    }
    goals = (
        Goal(contestant=OURS, reference=DUCKDB, at_most=0.85),
        Goal(contestant=OURS, reference=DUCKDB, at_most=1.0, by=By.WALL),
        Goal(contestant=OURS, reference=POLARS, at_most=1 / 1.15, by=By.WALL),
        Goal(contestant=OURS, reference=DLT, at_most=1 / 2, by=By.WALL),
        Ceiling(contestant=OURS, peak_bytes=_MEMORY),
        Floor(contestant=OURS, per_second=LEAST_BYTES_PER_SECOND),
    )
    packages = ("pyarrow", "duckdb", "polars", "dlt")
    return _one_file("CSV to Parquet", effort, delimited.csv, modules, goals, packages)


def csv_gz(effort: Effort) -> Outcome:
    """The same trades as one gzip member."""
    return _compressed("CSV in gzip to Parquet", effort, delimited.csv_gz)


def csv_zst(effort: Effort) -> Outcome:
    """The same trades as one zstd frame."""
    return _compressed("CSV in zstd to Parquet", effort, delimited.csv_zst)


def _compressed(title: str, effort: Effort, made: Callable[[int], Path]) -> Outcome:
    modules = {OURS: ("ours", "recognised"), DUCKDB: ("duckdb_copy", "csv")}
    goals = (Goal(contestant=OURS, reference=DUCKDB, at_most=1 / 1.2, by=By.WALL),)
    return _one_file(title, effort, made, modules, goals, ("pyarrow", "isal", "zstandard", "duckdb"))


def _one_file(
    title: str,
    effort: Effort,
    made: Callable[[int], Path],
    modules: dict[str, tuple[str, str]],
    goals: Sequence[Goal | Ceiling | Floor],
    packages: Sequence[str],
) -> Outcome:
    rows = _QUICK_ROWS if effort.quick else _ROWS
    measured, warm_up = made(rows), made(_WARM_ROWS)
    contestants = {
        name: Contestant(module=module, kind=kind, warm_up=warm_up, measured=measured)
        for name, (module, kind) in modules.items()
    }
    race = Race(
        title=title,
        contestants=contestants,
        goals=goals,
        check=Truth(source=delimited.csv(rows), rows=rows).check,
        packages=packages,
        facts={"input": f"{size_of(measured) / 1e6:.0f} MB, {rows} trades of 13 columns"},
    )
    return run_race(race, effort)


def small_files(effort: Effort) -> Outcome:
    """10,000 files of 20 kB by one process, and a process for each of 20 of them."""
    many = _QUICK_FILES if effort.quick else _FILES
    few = _QUICK_FILES_BY_PROCESS if effort.quick else _FILES_BY_PROCESS
    contestants = {
        OURS: Contestant(
            module="ours",
            kind="small_files",
            warm_up=delimited.small_files(_WARM_FILES),
            measured=delimited.small_files(many),
        ),
        PER_FILE: Contestant(
            module="process_per_file",
            kind="small_files",
            warm_up=delimited.small_files(_WARM_FILES_BY_PROCESS),
            measured=delimited.small_files(few),
        ),
    }

    def check(name: str, files: Sequence[Path], whole: bool) -> None:
        rows = delimited.small_rows(many if name == OURS else few)
        Truth(source=delimited.csv(rows), rows=rows).check(name, files, whole)

    race = Race(
        title="Small CSV files to Parquet",
        contestants=contestants,
        goals=(Goal(contestant=OURS, reference=PER_FILE, at_most=1 / 10, by=By.WALL),),
        check=check,
        packages=("pyarrow",),
        unit="files",
        facts={"input": f"{many} files of 20 kB by one process, {few} of them by a process each"},
    )
    return run_race(race, effort)


def memory(effort: Effort) -> Outcome:
    """The peak of memory with 1.3 GB and with eight times as much."""
    rows = _QUICK_ROWS if effort.quick else _ROWS
    files = dict(_repeated(rows))
    warm_up = delimited.csv(_WARM_ROWS)
    goals: list[Goal | Ceiling] = [Ceiling(contestant=name, peak_bytes=_MEMORY) for name in files]
    if LARGE in files:
        goals.append(Goal(contestant=LARGE, reference=SMALL, at_most=_AS_MUCH, by=By.PEAK))

    def check(name: str, written: Sequence[Path], whole: bool) -> None:
        count = sum(pq.read_metadata(path).num_rows for path in written)
        if count != rows * _TIMES[name]:
            raise RuntimeError(f"{name} wrote {count} rows of {rows * _TIMES[name]}")

    race = Race(
        title="Memory for very large CSV files",
        contestants={
            name: Contestant(module="ours", kind="recognised", warm_up=warm_up, measured=path)
            for name, path in files.items()
        },
        goals=goals,
        check=check,
        packages=("pyarrow",),
        rounds=1,
        facts=_told_sizes(files),
    )
    return run_race(race, effort)


def _repeated(rows: int) -> Sequence[tuple[str, Path]]:
    """The two files; the large one is left out where the disk has no room for it and what is made of it."""
    size = size_of(delimited.csv(rows))
    small = delimited.csv_repeated(rows, times=_TIMES[SMALL])
    if free_bytes() < 2 * _TIMES[LARGE] * size:
        return [(SMALL, small)]
    return [(SMALL, small), (LARGE, delimited.csv_repeated(rows, times=_TIMES[LARGE]))]


def _told_sizes(files: dict[str, Path]) -> dict[str, str]:
    told = {name: f"{size_of(path) / 1e9:.2f} GB" for name, path in files.items()}
    return told if LARGE in files else {**told, LARGE: f"skipped: {free_bytes() / 1e9:.0f} GB are free on the disk"}
