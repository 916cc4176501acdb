"""Contestants in turn, round after round: the same file to Parquet, each time in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.convert.contestants.stopwatch import memory_peak
from benchmarks.convert.inputs.kept import CACHE, size_of
from benchmarks.machine import machine, versions
from benchmarks.measured import AnyGoal, Outcome, Sample
from benchmarks.registry import Effort
from benchmarks.rounds import in_turn

ROOT = Path(__file__).parents[2]
OURS = "ours"
_ROUNDS = 5
_LOOK_SECONDS = 0.2
_PASSED = ("PATH", "HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A module of `contestants`, which of its ways, and its two inputs: one to warm up, one to measure."""

    module: str
    kind: str
    warm_up: Path
    measured: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a contestant."""

    sample: Sample
    files: Sequence[Path]
    """What was written, in the order of the rows; gone when the run has been looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What is compared."""

    title: str
    contestants: Mapping[str, Contestant]
    goals: Sequence[AnyGoal]
    check: Callable[[str, Sequence[Path], bool], None]
    """Of a contestant's name, what it wrote, and whether to look at every value; raises where that is wrong."""
    packages: Sequence[str]
    unit: str = "bytes"
    rounds: int = _ROUNDS
    facts: Mapping[str, str] = field(default_factory=dict)


def run_race(race: Race, effort: Effort) -> Outcome:
    """Round 0, which is not counted, and the others.

    Raises:
        RuntimeError: A contestant failed, or wrote what it should not.
    """
    facts = {"machine": machine(), "versions": versions(*race.packages), **race.facts}
    rounds = effort.rounds or (min(2, race.rounds) if effort.quick else race.rounds)
    taken: dict[str, list[Sample]] = {name: [] for name in race.contestants}
    written: dict[str, int] = {}
    for number in range(rounds + 1):
        print(f"{race.title}: round {number} of {rounds}", file=sys.stderr, flush=True)
        for name in in_turn(list(race.contestants), number):
            with tempfile.TemporaryDirectory(prefix="finport-bench-", dir=CACHE) as folder:
                found = run(race.contestants[name], Path(folder), unit=race.unit)
                race.check(name, found.files, number == 0 and name == OURS)
                taken[name].append(found.sample)
                written[name] = sum(path.stat().st_size for path in found.files)
    # Round 0 fills the caches of the file system and of bytecode.
    samples = {name: every[1:] for name, every in taken.items()}
    sizes = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in written.items())
    facts |= {"written": sizes, "rounds": f"{rounds}, each contestant once in each, in a fresh process, warmed up"}
    return Outcome(title=race.title, samples=samples, goals=race.goals, facts=facts, unit=race.unit)


def run(contestant: Contestant, folder: Path, *, unit: str) -> Run:
    """Run a contestant in a fresh process that writes below `folder`.

    Raises:
        RuntimeError: It failed; the message ends with what it wrote.
    """
    module = f"benchmarks.convert.contestants.{contestant.module}"
    inputs = [contestant.kind, str(contestant.warm_up), str(contestant.measured)]
    command = [sys.executable, "-m", module, *inputs, str(folder / "out")]
    with (folder / "told").open("w+") as told, (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=told, stderr=errors)
        peak = _watched(process)
        told.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"{module} ended with {process.returncode}:\n{errors.read()[-4000:]}")
        found = json.loads(told.read().splitlines()[-1])
    files = [Path(path) for path in found.pop("files")]
    peak = max(peak, found.pop("peak_bytes"))
    measured = contestant.measured
    work = size_of(measured) if unit == "bytes" else len(list(measured.iterdir()))
    return Run(sample=Sample(**found, work=work, peak_bytes=peak), files=files)


def _watched(process: subprocess.Popen[bytes]) -> int:
    """Most memory of the process and its children until it ends: of children that end before it, too."""
    most = 0
    while process.poll() is None:
        most = max(most, memory_peak(process.pid))
        time.sleep(_LOOK_SECONDS)
    return most


def _environment() -> Mapping[str, str]:
    """Nothing that sets an engine's threads or limits; bytecode is kept, as an installation keeps it."""
    kept: Iterator[tuple[str, str]] = ((name, os.environ[name]) for name in _PASSED if name in os.environ)
    return {**dict(kept), "DO_NOT_TRACK": "true", "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}
