"""Times a program that fetches the pages of a collection, in this process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from benchmarks.convert.contestants.stopwatch import Moment, memory_peak, now


def timed(begun: Moment, fetched: Callable[[str, str, int, int], list[int]]) -> None:
    """Fetch a few pages, so that every import is done; then time the others and print what was found.

    Args:
        begun: When the process began to import.
        fetched: Gives the number of pages and of bytes, for a URL, a CA file, so many connections and pages.
    """
    url, ca_path = sys.argv[1:3]
    connections, few, many = (int(argument) for argument in sys.argv[3:6])
    fetched(url, ca_path, connections, few)
    imported = now()
    begin = now()
    found = fetched(url, ca_path, connections, many)
    end = now()
    told = {
        "wall": end[0] - begin[0],
        "cpu": end[1] - begin[1],
        "imports_wall": imported[0] - begun[0],
        "imports_cpu": imported[1] - begun[1],
        "peak_bytes": memory_peak(os.getpid()),
        "found": found,
    }
    print(json.dumps(told))
