"""`python -m benchmarks`: run the benchmarks and print their tables."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measured import By, Outcome
from benchmarks.registry import BENCHMARKS, ON_REQUEST, Effort, benchmark
from benchmarks.table import rendered

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """The exit code: 1 where `--gate` was asked for and a goal is missed."""
    options = _options()
    effort = Effort(quick=options.quick, rounds=options.rounds)
    missed = False
    for name in options.only or [name for name in BENCHMARKS if name not in ON_REQUEST]:
        outcome = benchmark(name)(effort)
        print(rendered(outcome), end="\n\n", flush=True)
        goals = [goal for goal in outcome.goals if options.gate != "cpu" or goal.by is not By.WALL]
        missed = missed or not all(goal.reached(outcome) for goal in goals)
        if options.save:
            print(f"saved: {_save(name, outcome)}")
    return 1 if options.gate and missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="this benchmark; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a small input, few rounds: proves nothing, ends soon")
    parser.add_argument("--rounds", type=int, help="how often each contestant is measured")
    parser.add_argument("--save", action="store_true", help=f"write the samples as JSON into {RESULTS.name}/")
    told = "end with exit code 1 where a goal is missed; of wall time too, or (cpu) of CPU and memory only"
    parser.add_argument("--gate", nargs="?", const="all", choices=["all", "cpu"], help=told)
    return parser.parse_args()


def _save(name: str, outcome: Outcome) -> Path:
    told = {"benchmark": name, "at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(outcome)}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**told, "ratios": _ratios(outcome)}, indent=2) + "\n")
    return path


def _ratios(outcome: Outcome) -> dict[str, Any]:
    """The median, and the ratio of each round, by what is compared."""
    found: dict[str, Any] = {}
    for reference, by in outcome.compared:
        for contestant in outcome.samples:
            pairs = [round(ratio, 3) for ratio in outcome.pairs(contestant, reference, by=by)]
            middle = round(outcome.ratio(contestant, reference, by=by), 3)
            found[f"{by}: {contestant} / {reference}"] = {"median": middle, "rounds": pairs}
    return found


if __name__ == "__main__":
    sys.exit(main())
