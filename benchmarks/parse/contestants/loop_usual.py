"""The same loop with the parameters in `DAG(...)`, where people write them: Airflow copies them into every task."""

from __future__ import annotations

from functools import partial

from benchmarks.parse.contestants import loop
from benchmarks.parse.contestants.stopwatch import compare

if __name__ == "__main__":
    compare(loop.begun, partial(loop.load, params_first=True))
