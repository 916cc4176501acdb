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
    "convert-csv": "benchmarks.convert.delimited:csv",
    "convert-csv-gz": "benchmarks.convert.delimited:csv_gz",
    "convert-csv-zst": "benchmarks.convert.delimited:csv_zst",
    "convert-ndjson": "benchmarks.convert.others:ndjson",
    "convert-xml": "benchmarks.convert.others:xml",
    "convert-xlsx": "benchmarks.convert.others:xlsx",
    "convert-avro": "benchmarks.convert.others:avro",
    "convert-fixed-width": "benchmarks.convert.others:fixed_width",
    "convert-orc": "benchmarks.convert.others:orc",
    "convert-small-files": "benchmarks.convert.delimited:small_files",
    "convert-fix": "benchmarks.convert.messages:fix",
    "convert-mt940": "benchmarks.convert.messages:mt940",
    "convert-memory": "benchmarks.convert.delimited:memory",
    "collect-http": "benchmarks.collect.http:http",
    "collect-http-plain": "benchmarks.collect.http:http_plain",
    "collect-limiter": "benchmarks.collect.limiter:limiter",
    "collect-sftp": "benchmarks.collect.sftp:sftp",
    "collect-ftp": "benchmarks.collect.ftp:ftp",
    "collect-s3": "benchmarks.collect.objects:s3",
    "collect-sql": "benchmarks.collect.sql:sql",
}
"""`package.module:function` by the name for `--only`."""

ON_REQUEST = frozenset({"convert-memory"})
"""Those that run only when they are named: they need much time and disk."""


def benchmark(name: str) -> Benchmark:
    """The function that measures `name`, a key of BENCHMARKS."""
    module, _, function = BENCHMARKS[name].partition(":")
    return cast("Benchmark", getattr(importlib.import_module(module), function))
