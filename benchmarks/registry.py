"""The benchmarks by name. Each is imported when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, cast

from benchmarks.measured import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much to measure; `quick` is for trying the benchmark itself, its numbers prove nothing."""

    quick: bool = False
    rounds: int | None = None


Benchmark: TypeAlias = Callable[[Effort], Outcome]

BENCHMARKS = {
    "parse": "benchmarks.parse.comparison:compare",
}
"""`package.module:function` by the name for `--only`."""


def benchmark(name: str) -> Benchmark:
    """The function that measures `name`, a key of BENCHMARKS."""
    module, _, function = BENCHMARKS[name].partition(":")
    return cast("Benchmark", getattr(importlib.import_module(module), function))
