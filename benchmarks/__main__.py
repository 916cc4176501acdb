"""`python -m benchmarks`: run the benchmarks and print their tables."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.measured import Outcome
from benchmarks.registry import BENCHMARKS, Effort, benchmark
from benchmarks.table import rendered

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """The exit code: 1 where `--gate` was asked for and a goal is missed."""
    options = _options()
    effort = Effort(quick=options.quick, rounds=options.rounds)
    missed = False
    for name in options.only or BENCHMARKS:
        outcome = benchmark(name)(effort)
        print(rendered(outcome), flush=True)
        missed = missed or not all(goal.reached(outcome) for goal in outcome.goals)
        if options.save:
            print(f"saved: {_save(name, outcome)}")
    return 1 if options.gate and missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="this benchmark; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a small input, few rounds: proves nothing, ends soon")
    parser.add_argument("--rounds", type=int, help="how often each contestant is measured")
    parser.add_argument("--save", action="store_true", help=f"write the samples as JSON into {RESULTS.name}/")
    parser.add_argument("--gate", action="store_true", help="end with exit code 1 where a goal is missed")
    return parser.parse_args()


def _save(name: str, outcome: Outcome) -> Path:
    ratios = {
        f"{contestant} / {reference}": round(outcome.ratio(contestant, reference), 3)
        for contestant in outcome.samples
        for reference in outcome.references
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**asdict(outcome), "ratios": ratios}, indent=2) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
