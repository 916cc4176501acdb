"""Programs that fetch the same file from the same server, in turn, each time in a fresh process.

The clock runs from before the login until the last byte is on the disk (flushed) and the SHA-256 is known.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.convert.inputs.kept import CACHE
from benchmarks.machine import machine, versions
from benchmarks.measured import AnyGoal, Outcome, Sample
from benchmarks.registry import Effort
from benchmarks.rounds import in_turn

ROOT = Path(__file__).parents[2]
OURS = "ours"
FILE_BYTES = 500_000_000
QUICK_FILE_BYTES = 50_000_000
WARM_UP_BYTES = 1_000_000
_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A command; `{out}` in it is the folder that it writes to.

    Args:
        tells: Its last line is JSON with its times, taken without its imports, and its SHA-256. Otherwise the whole
            process is timed, and the first word of its last line is the SHA-256.
    """

    command: Sequence[str]
    tells: bool
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """What is compared."""

    title: str
    contestants: Mapping[str, Contestant]
    goals: Sequence[AnyGoal]
    sha256: str
    file_bytes: int
    packages: Sequence[str]
    facts: Mapping[str, str] = field(default_factory=dict)


def compare(downloads: Downloads, effort: Effort) -> Outcome:
    """Round 0, which is not counted, and the others.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    rounds = effort.rounds or (2 if effort.quick else _ROUNDS)
    facts = {"machine": machine(), "versions": versions(*downloads.packages), **downloads.facts}
    taken: dict[str, list[Sample]] = {name: [] for name in downloads.contestants}
    CACHE.mkdir(parents=True, exist_ok=True)
    for number in range(rounds + 1):
        print(f"{downloads.title}: round {number} of {rounds}", file=sys.stderr, flush=True)
        for name in in_turn(list(downloads.contestants), number):
            with tempfile.TemporaryDirectory(prefix="finport-bench-", dir=CACHE) as folder:
                sample, sha256 = _run(name, downloads.contestants[name], Path(folder), downloads.file_bytes)
            if sha256 != downloads.sha256:
                raise RuntimeError(f"{name} fetched other bytes")
            taken[name].append(sample)
    facts["file"] = f"{downloads.file_bytes / 1e6:.0f} MB of noise, over loopback; servers' CPU is not counted"
    facts["rounds"] = f"{rounds}, each contestant once in each, in a fresh process"
    samples = {name: every[1:] for name, every in taken.items()}
    return Outcome(title=downloads.title, samples=samples, goals=downloads.goals, facts=facts, unit="bytes")


def ours(wish: Mapping[str, object]) -> Contestant:
    """Our source and landing; see contestants/landed.py for the wish."""
    command = [sys.executable, "-m", "benchmarks.collect.contestants.landed", json.dumps(wish), "{out}"]
    return Contestant(command=command, tells=True)


def noise(path: Path, size: int) -> str:
    """Write so many bytes that nothing on the way can compress; their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            block = os.urandom(min(1 << 20, size - start))
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def _run(name: str, contestant: Contestant, out: Path, file_bytes: int) -> tuple[Sample, str]:
    command = [word.replace("{out}", str(out)) for word in contestant.command]
    environment = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"}
    before, since = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment |= contestant.environment
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - since, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    last = done.stdout.splitlines()[-1]
    if contestant.tells:
        told = json.loads(last)
        sha256 = told.pop("sha256")
        return Sample(**told, work=file_bytes), sha256
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(wall=wall, cpu=cpu, work=file_bytes), last.split()[0]
