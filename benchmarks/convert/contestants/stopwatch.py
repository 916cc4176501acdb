"""Times one contestant in this process: wall time, and the CPU time of the process and of all its children."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

Moment: TypeAlias = tuple[float, float]
Convert: TypeAlias = Callable[[Path, Path], Sequence[Path]]
"""From the input and a folder that is there to the files that were written, in the order of the rows."""

_TICKS = os.sysconf("SC_CLK_TCK")


def now() -> Moment:
    """Wall and CPU seconds so far; those of children that live, and of those that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return time.perf_counter(), cpu + sum(_cpu_of(child) for child in _descendants(os.getpid()))


def compare(begun: Moment, kinds: dict[str, Convert]) -> None:
    """Convert the small input, so that every import is done; then time the other one and print what was found.

    Args:
        begun: When the process began to import.
        kinds: The work by the name that the command line asks for.
    """
    convert = kinds[sys.argv[1]]
    warm_up, measured, out = (Path(argument) for argument in sys.argv[2:5])
    convert(warm_up, _made(out / "warm-up"))
    imported = now()
    folder = _made(out / "measured")
    begin = now()
    files = convert(measured, folder)
    end = now()
    told = {
        "wall": end[0] - begin[0],
        "cpu": end[1] - begin[1],
        "imports_wall": imported[0] - begun[0],
        "imports_cpu": imported[1] - begun[1],
        "peak_bytes": memory_peak(os.getpid()),
        "files": [str(path) for path in files],
    }
    print(json.dumps(told))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def memory_peak(pid: int) -> int:
    """The most that a process and its living children have had so far, mapped files included: the kernel keeps it."""
    return sum(_high_water(each) for each in (pid, *_descendants(pid)))


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _descendants(pid: int) -> Iterator[int]:
    """The children of a process, theirs, and so on; none where the system has no /proc."""
    for task in _listed(Path(f"/proc/{pid}/task")):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _cpu_of(pid: int) -> float:
    """Of a process and of its children that have ended."""
    try:
        # The name of the program, in brackets, may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS
