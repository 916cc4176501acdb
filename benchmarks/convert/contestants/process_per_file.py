"""Ours as a loop in a shell would use it: a process of `finport convert` for each file of a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.convert.contestants.stopwatch import compare, now


def convert(source: Path, out: Path) -> list[Path]:
    """Every file of a folder."""
    finport = Path(sys.executable).with_name("finport")
    for path in sorted(source.iterdir()):
        command = [str(finport), "convert", str(path), "--out", str(out), "--report", "json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(out.rglob("*.parquet"))


if __name__ == "__main__":
    compare(now(), {"small_files": convert})
